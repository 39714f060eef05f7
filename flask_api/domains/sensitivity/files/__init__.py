"""Documents of sensitivity: reports as pages and workbooks, made of results alone."""
