"""Results as documents: tables, workbooks, pages and the pictures in them.

Plain files: they know no job, HTTP or database. All but `tables` and `info` belong into
a worker; the web process never imports XlsxWriter.
"""
