# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# What the plugin finds in DevStack, as far as it uses it. Each function
# notes its call in $CALLS, words separated by "|"; those that write files
# do. Set from outside: ROOT (a directory), REPOSITORY, ENABLED_SERVICES.

CALLS=$ROOT/calls
BIN=$ROOT/bin

DEST=$ROOT/dest
DATA_DIR=$ROOT/data
FENIX_CONF_DIR=$ROOT/etc/fenix
CEILOMETER_DIR=$DEST/ceilometer
CEILOMETER_CONF_DIR=$ROOT/etc/ceilometer

STACK_USER=$(id -un)
SERVICE_HOST=192.0.2.1
SERVICE_LISTEN_ADDRESS=${SERVICE_LISTEN_ADDRESS:-0.0.0.0}
SERVICE_PROTOCOL=${SERVICE_PROTOCOL:-http}
SERVICE_TIMEOUT=60
SERVICE_PASSWORD=secret
SERVICE_PROJECT_NAME=service
SERVICE_DOMAIN_NAME=Default
KEYSTONE_SERVICE_URI=http://192.0.2.1/identity
SSL_BUNDLE_FILE=$DATA_DIR/ca-bundle.pem
MEMCACHE_SERVERS=localhost:11211
REGION_NAME=RegionOne
DATABASE_BACKENDS="mysql postgresql"
ENABLE_DEBUG_LOG_LEVEL=True
SYSLOG=False
API_WORKERS=2
PATH=$BIN:$PATH

function note {
    local IFS='|'
    echo "$*" >> "$CALLS"
}

function noted {
    eval "function $1 { note $1 \"\$@\"; }"
}

for name in create_service_user define_plugin die \
    echo_summary enable_service get_or_create_endpoint \
    get_or_create_service plugin_requires recreate_database \
    remove_uwsgi_config run_process setup_develop setup_logging \
    start_tls_proxy stop_process wait_for_service; do
    noted $name
done

# As in functions-common: a service may have a function of its own.
function is_service_enabled {
    local service
    # shellcheck disable=SC2048
    for service in $*; do
        [[ ,$ENABLED_SERVICES, =~ ,$service, ]] && return 0
        if [[ $(type -t "is_${service}_enabled") == function ]]; then
            "is_${service}_enabled" && return 0
        fi
    done
    return 1
}

function get_python_exec_prefix {
    echo "$BIN"
}

function sudo {
    note sudo "$@"
    "$@"
}

function stack_install_service {
    note stack_install_service "$@"
    "install_$1"
}

# A section may stand in a file several times.
function iniset {
    printf '[%s]\n%s = %s\n' "$2" "$3" "$4" >> "$1"
}

function iniset_rpc_backend {
    iniset "$2" DEFAULT transport_url "rabbit://stackrabbit:secret@192.0.2.1:5672/"
}

function database_connection_url {
    echo "mysql+pymysql://root:secret@127.0.0.1/$1?charset=utf8&plugin=dbcounter"
}

function configure_keystoneauth {
    iniset "$1" "$3" auth_type password
    iniset "$1" "$3" interface public
    iniset "$1" "$3" auth_url "$KEYSTONE_SERVICE_URI"
    iniset "$1" "$3" username "$2"
    iniset "$1" "$3" password "$SERVICE_PASSWORD"
    iniset "$1" "$3" user_domain_name "$SERVICE_DOMAIN_NAME"
    iniset "$1" "$3" project_name "$SERVICE_PROJECT_NAME"
    iniset "$1" "$3" project_domain_name "$SERVICE_DOMAIN_NAME"
}

function configure_keystone_authtoken_middleware {
    configure_keystoneauth "$1" "$2" keystone_authtoken
    iniset "$1" keystone_authtoken cafile "$SSL_BUNDLE_FILE"
    iniset "$1" keystone_authtoken memcached_servers "$MEMCACHE_SERVERS"
}

function write_uwsgi_config {
    note write_uwsgi_config "$@"
    rm -rf "$1"
    iniset "$1" uwsgi module "$2"
    iniset "$1" uwsgi processes "$API_WORKERS"
    iniset "$1" uwsgi http "$4"
}
