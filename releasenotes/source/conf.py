# SPDX-License-Identifier: Apache-2.0
project = 'Fenix release notes'
copyright = 'Fenix developers'
extensions = ['openstackdocstheme', 'reno.sphinxext']
html_theme = 'openstackdocs'
pygments_style = 'native'
# The theme's search page asks the server of docs.openstack.org.
html_theme_options = {'show_other_versions': False}
openstackdocs_auto_name = False
