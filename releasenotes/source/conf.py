# SPDX-License-Identifier: Apache-2.0
project = 'Fenix release notes'
copyright = 'Fenix developers'
extensions = ['openstackdocstheme', 'reno.sphinxext']
html_theme = 'openstackdocs'
pygments_style = 'native'
# Nothing is fetched from elsewhere when a page is read.
html_theme_options = {'analytics_tracking_code': '', 'display_badge': False}
templates_path = ['../../doc/source/_templates']
openstackdocs_auto_name = False
