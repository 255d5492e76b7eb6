# SPDX-License-Identifier: Apache-2.0
# As in every program of Fenix: the pages import parts of it.
from fenix import _threading  # noqa: F401, I001

import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE / '_exts'))

project = 'Fenix'
copyright = 'Fenix developers'

extensions = [
    'openstackdocstheme',
    'oslo_config.sphinxconfiggen',
    'oslo_config.sphinxext',
    'oslo_policy.sphinxext',
    'oslo_policy.sphinxpolicygen',
    'sphinx.ext.autodoc',
    'tables',
]

html_theme = 'openstackdocs'
# Nothing is fetched from elsewhere when a page is read.
html_theme_options = {'analytics_tracking_code': '', 'display_badge': False}
templates_path = ['_templates']
openstackdocs_auto_name = False
pygments_style = 'native'
autodoc_member_order = 'bysource'

config_generator_config_file = [
    (str(HERE.parents[1] / 'etc/fenix/config-generator.conf'),
     '_static/fenix')]
policy_generator_config_file = [
    (str(HERE.parents[1] / 'etc/fenix/policy-generator.conf'),
     '_static/fenix')]
