# SPDX-License-Identifier: Apache-2.0
import warnings

import hypothesis

# A deprecated call fails the test that makes it, but for four that others
# make when they are imported: eventlet (by futurist), oslo_utils's
# eventletutils (by oslo.messaging), cgi (by WebOb) and osc-lib's own.
warnings.filterwarnings('error', category=DeprecationWarning)
for message in (r'\s*Eventlet is deprecated',
                'eventletutils module is deprecated',
                "'cgi' is deprecated",
                r'The osc_lib\.\w+ module is deprecated'):
    warnings.filterwarnings('ignore', message)

# A slow machine is no failure; nor is the first run in a fresh clone, which
# makes hypothesis's table of characters.
hypothesis.settings.register_profile(
    'fenix', deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile('fenix')

# The tests are an entry point too.
from fenix import _threading  # noqa: E402,F401,I001
