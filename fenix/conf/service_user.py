# SPDX-License-Identifier: Apache-2.0
"""The user that Fenix is in the cloud.

Besides keystoneauth's own options the older spelling with ``os_`` is read,
as existing installers write it (CONTRACT.md section 4).
"""

from keystoneauth1 import loading
from oslo_config import cfg

GROUP = cfg.OptGroup('service_user', title='Fenix as a user of the cloud')

OLD_NAMES = ('auth_url', 'username', 'password', 'project_name',
             'user_domain_name', 'project_domain_name')

OLD_OPTS = [
    cfg.StrOpt(f'os_{name}', secret=name == 'password',
               help=f'Older spelling of {name}.')
    for name in OLD_NAMES]


def register(conf):
    conf.register_group(GROUP)
    loading.register_auth_conf_options(conf, GROUP.name)
    loading.register_session_conf_options(conf, GROUP.name)
    conf.register_opts(OLD_OPTS, group=GROUP)


def list_opts():
    return [(GROUP, OLD_OPTS + loading.get_session_conf_options()
             + loading.get_auth_common_conf_options()
             + loading.get_auth_plugin_conf_options('password'))]
