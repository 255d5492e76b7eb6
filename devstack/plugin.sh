# shellcheck shell=bash disable=SC2154
# Install and start Fenix in DevStack. README.rst tells how to enable it.

FENIX_BIN_DIR=$(get_python_exec_prefix)

# Lines of ours in a file of ceilometer stand between two of these.
FENIX_MARK="# fenix: added by its DevStack plugin"

# Also the answer to "is_service_enabled fenix".
function is_fenix_enabled {
    [[ ,${ENABLED_SERVICES} =~ ,"fenix-" ]] && return 0
    return 1
}

# What stands in the catalogue: with /v1, without a slash at the end.
function fenix_api_url {
    echo "$FENIX_SERVICE_PROTOCOL://$FENIX_SERVICE_HOST:$FENIX_SERVICE_PORT/v1"
}

function install_fenix {
    setup_develop "$FENIX_DIR"
    sudo install -d -o "$STACK_USER" -m 755 "$FENIX_CONF_DIR" "$FENIX_STATE_DIR"
}

function create_fenix_accounts {
    create_service_user "fenix" "admin"
    get_or_create_service "fenix" "maintenance" "OpenStack Maintenance Service"
    get_or_create_endpoint "maintenance" "$REGION_NAME" "$(fenix_api_url)"
}

function configure_fenix {
    rm -f "$FENIX_CONF"
    iniset "$FENIX_CONF" DEFAULT debug "$ENABLE_DEBUG_LOG_LEVEL"
    iniset "$FENIX_CONF" DEFAULT use_syslog "$SYSLOG"
    setup_logging "$FENIX_CONF"
    iniset_rpc_backend fenix "$FENIX_CONF"
    iniset "$FENIX_CONF" database connection "$(database_connection_url fenix)"
    iniset "$FENIX_CONF" oslo_concurrency lock_path "$FENIX_STATE_DIR"
    iniset "$FENIX_CONF" api public_url "$(fenix_api_url)"
    configure_keystone_authtoken_middleware "$FENIX_CONF" fenix
    configure_keystoneauth "$FENIX_CONF" fenix service_user
    iniset "$FENIX_CONF" service_user cafile "$SSL_BUNDLE_FILE"
    iniset "$FENIX_CONF" nova region_name "$REGION_NAME"
    # DevStack registers public endpoints only.
    iniset "$FENIX_CONF" nova interface public
    iniset "$FENIX_CONF" workflow vocabulary "$FENIX_VOCABULARY"
}

function configure_fenix_api {
    local listen=$SERVICE_LISTEN_ADDRESS:$FENIX_SERVICE_PORT
    if is_service_enabled tls-proxy; then
        listen=127.0.0.1:$FENIX_SERVICE_PORT_INT
        iniset "$FENIX_CONF" oslo_middleware enable_proxy_headers_parsing True
    fi
    write_uwsgi_config "$FENIX_UWSGI_CONF" "$FENIX_UWSGI" "" "$listen" "fenix-api"
    # The bell to the engines must not make a request wait, nor the other
    # way round.
    iniset "$FENIX_UWSGI_CONF" uwsgi threads 16
    # A mistake in fenix.conf is an error here, not a 500 later.
    iniset "$FENIX_UWSGI_CONF" uwsgi need-app true
}

# What ceilometer comes with, unless its own plugin has put it there.
function provide_for_ceilometer {
    local name=$1
    if [[ ! -e $CEILOMETER_CONF_DIR/$name ]]; then
        cp "$CEILOMETER_DIR/ceilometer/pipeline/data/$name" "$CEILOMETER_CONF_DIR/$name"
    fi
}

function remove_fenix_from_ceilometer {
    local name
    for name in event_definitions.yaml event_pipeline.yaml; do
        if [[ -e $CEILOMETER_CONF_DIR/$name ]]; then
            sed -i "\\|^ *$FENIX_MARK|,\\|^ *$FENIX_MARK|d" "$CEILOMETER_CONF_DIR/$name"
        fi
    done
}

# Without our definitions ceilometer drops what VNF managers need to know,
# and without the publisher aodh never hears of it.
function configure_ceilometer_for_fenix {
    if [[ ! -d $CEILOMETER_CONF_DIR ]]; then
        echo "No $CEILOMETER_CONF_DIR: enable ceilometer before fenix to have alarms"
        return
    fi
    provide_for_ceilometer event_definitions.yaml
    provide_for_ceilometer event_pipeline.yaml
    # What an earlier run has left may be an older version.
    remove_fenix_from_ceilometer
    {
        echo "$FENIX_MARK"
        cat "$FENIX_DIR/etc/ceilometer/event_definitions.yaml"
        echo "$FENIX_MARK"
    } >> "$CEILOMETER_CONF_DIR/event_definitions.yaml"
    # CEILOMETER_EVENT_ALARM=True would have done this already. The new line
    # is indented as the one that it comes before.
    local pipeline=$CEILOMETER_CONF_DIR/event_pipeline.yaml
    if ! grep -q "topic=alarm.all" "$pipeline"; then
        sed -i "/^ *publishers:/{n;s|^\\( *\\)- .*|\\1$FENIX_MARK\\n\\1- notifier://?topic=alarm.all\\n\\1$FENIX_MARK\\n&|}" "$pipeline"
    fi
}

function init_fenix {
    if is_service_enabled "$DATABASE_BACKENDS"; then
        recreate_database fenix
        "$FENIX_BIN_DIR/fenix-manage" --config-file "$FENIX_CONF" db sync
    fi
}

function start_fenix {
    if is_service_enabled fenix-api; then
        run_process fenix-api "$(which uwsgi) --procname-prefix fenix-api --ini $FENIX_UWSGI_CONF"
        if is_service_enabled tls-proxy; then
            start_tls_proxy fenix '*' "$FENIX_SERVICE_PORT" 127.0.0.1 "$FENIX_SERVICE_PORT_INT"
        fi
        echo "Waiting for fenix-api to start..."
        if ! wait_for_service "$SERVICE_TIMEOUT" "$(fenix_api_url)"; then
            die $LINENO "fenix-api did not start"
        fi
    fi
    run_process fenix-engine "$FENIX_BIN_DIR/fenix-engine --config-file $FENIX_CONF"
}

function stop_fenix {
    stop_process fenix-api
    stop_process fenix-engine
}

function cleanup_fenix {
    remove_uwsgi_config "$FENIX_UWSGI_CONF" "fenix-api"
    remove_fenix_from_ceilometer
    sudo rm -rf "$FENIX_CONF_DIR" "$FENIX_STATE_DIR"
}

if is_service_enabled fenix; then
    if [[ "$1" == "stack" && "$2" == "pre-install" ]]; then
        # Nothing but what DevStack itself installs is needed.
        :
    elif [[ "$1" == "stack" && "$2" == "install" ]]; then
        echo_summary "Installing Fenix"
        stack_install_service fenix
    elif [[ "$1" == "stack" && "$2" == "post-config" ]]; then
        echo_summary "Configuring Fenix"
        configure_fenix
        if is_service_enabled fenix-api; then
            configure_fenix_api
            create_fenix_accounts
        fi
        configure_ceilometer_for_fenix
    elif [[ "$1" == "stack" && "$2" == "extra" ]]; then
        echo_summary "Starting Fenix"
        init_fenix
        start_fenix
    elif [[ "$1" == "stack" && "$2" == "test-config" ]]; then
        # Fenix has no tests for tempest.
        :
    fi

    if [[ "$1" == "unstack" ]]; then
        stop_fenix
    fi

    if [[ "$1" == "clean" ]]; then
        cleanup_fenix
    fi
fi
