# Install and start Fenix in DevStack. README.rst tells how to enable it.

if [[ ${USE_VENV} = True ]]; then
    PROJECT_VENV["fenix"]=${FENIX_DIR}.venv
    FENIX_BIN_DIR=${PROJECT_VENV["fenix"]}/bin
else
    FENIX_BIN_DIR=$(get_python_exec_prefix)
fi

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
    setup_develop $FENIX_DIR
    sudo install -d -o $STACK_USER -m 755 $FENIX_CONF_DIR
}

function create_fenix_accounts {
    create_service_user "fenix" "admin"
    get_or_create_service "fenix" "maintenance" "OpenStack Maintenance Service"
    get_or_create_endpoint "maintenance" "$REGION_NAME" "$(fenix_api_url)"
}

function configure_fenix {
    rm -f $FENIX_CONF
    iniset $FENIX_CONF DEFAULT debug "$ENABLE_DEBUG_LOG_LEVEL"
    iniset $FENIX_CONF DEFAULT use_syslog $SYSLOG
    setup_logging $FENIX_CONF
    iniset_rpc_backend fenix $FENIX_CONF
    iniset $FENIX_CONF database connection $(database_connection_url fenix)
    iniset $FENIX_CONF api public_url "$(fenix_api_url)"
    configure_keystone_authtoken_middleware $FENIX_CONF fenix
    configure_keystoneauth $FENIX_CONF fenix service_user
    iniset $FENIX_CONF nova region_name "$REGION_NAME"
    # DevStack registers public endpoints only.
    iniset $FENIX_CONF nova interface public
    write_uwsgi_config "$FENIX_UWSGI_CONF" "$FENIX_UWSGI" "" \
        "0.0.0.0:$FENIX_SERVICE_PORT" "fenix-api"
}

# Without these definitions ceilometer drops what VNF managers need to know.
function configure_ceilometer_for_fenix {
    local definitions=/etc/ceilometer/event_definitions.yaml
    if [[ ! -e $definitions ]]; then
        echo "No $definitions: enable ceilometer before fenix to have alarms"
        return
    fi
    if ! grep -q "maintenance.session" $definitions; then
        cat $FENIX_DIR/etc/ceilometer/event_definitions.yaml >> $definitions
    fi
    if ! grep -q "topic=alarm.all" /etc/ceilometer/event_pipeline.yaml; then
        echo "Set CEILOMETER_EVENT_ALARM=True, or alarms on events never fire"
    fi
}

function init_fenix {
    if is_service_enabled $DATABASE_BACKENDS; then
        recreate_database fenix
        $FENIX_BIN_DIR/fenix-manage --config-file $FENIX_CONF db sync
    fi
}

function start_fenix {
    run_process fenix-api "$(which uwsgi) --procname-prefix fenix-api --ini $FENIX_UWSGI_CONF"
    if is_service_enabled fenix-api; then
        echo "Waiting for fenix-api to start..."
        if ! wait_for_service $SERVICE_TIMEOUT $(fenix_api_url); then
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
    sudo rm -rf $FENIX_CONF_DIR
}

if is_service_enabled fenix; then
    if [[ "$1" == "stack" && "$2" == "install" ]]; then
        echo_summary "Installing Fenix"
        stack_install_service fenix
    elif [[ "$1" == "stack" && "$2" == "post-config" ]]; then
        echo_summary "Configuring Fenix"
        configure_fenix
        configure_ceilometer_for_fenix
        create_fenix_accounts
    elif [[ "$1" == "stack" && "$2" == "extra" ]]; then
        echo_summary "Starting Fenix"
        init_fenix
        start_fenix
    fi

    if [[ "$1" == "unstack" ]]; then
        stop_fenix
    fi

    if [[ "$1" == "clean" ]]; then
        cleanup_fenix
    fi
fi
