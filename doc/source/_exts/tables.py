# SPDX-License-Identifier: Apache-2.0
"""Tables that are made from the code, so that they are never out of date."""

from docutils import nodes
from docutils.parsers import rst

from fenix import errors
from fenix import metrics
from fenix.workflow import states


def make_table(head, rows):
    """Return a table of plain texts; the first column is set as code."""
    group = nodes.tgroup('', *[nodes.colspec(colwidth=1) for _ in head],
                         cols=len(head))
    for part, lines in ((nodes.thead(), [head]), (nodes.tbody(), rows)):
        for line in lines:
            row = nodes.row()
            for column, text in enumerate(line):
                kind = (nodes.literal if column == 0 and lines is rows
                        else nodes.inline)
                row += nodes.entry('', nodes.paragraph(
                    '', '', kind(str(text), str(text))))
            part += row
        group += part
    return nodes.table('', group)


def all_errors(cls=errors.FenixError):
    """Yield the errors, a general one before its special cases."""
    yield cls
    for special in cls.__subclasses__():
        yield from all_errors(special)


class ErrorCodes(rst.Directive):
    """The errors that the API answers with."""

    def run(self):
        rows = {}
        for error in all_errors():
            # The engine's own never become an answer.
            if error is errors.FenixError or error.status != 500:
                rows.setdefault(error.code, (
                    error.code, error.status, error.__doc__.split('\n')[0]))
        return [make_table(['Code', 'Status', 'Meaning'], rows.values())]


class StateTable(rst.Directive):
    """What may follow what: of ``phases`` or ``steps``."""

    required_arguments = 1

    def run(self):
        head, table = {'phases': ('Phase', states.PHASES),
                       'steps': ('Step', states.STEPS)}[self.arguments[0]]
        return [make_table([head, 'May be followed by'], [
            (name, ', '.join(sorted(after)) or 'nothing: it is an end')
            for name, after in table.items()])]


class MetricsTable(rst.Directive):
    """All that Fenix counts about itself."""

    def run(self):
        return [make_table(['Metric', 'Type', 'Labels', 'Meaning'], [
            (name, kind, ', '.join(labels), text)
            for name, kind, labels, text in metrics.table()])]


def setup(app):
    app.add_directive('error-codes', ErrorCodes)
    app.add_directive('state-table', StateTable)
    app.add_directive('metrics-table', MetricsTable)
    return {'parallel_read_safe': True}
