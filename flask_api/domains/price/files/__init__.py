"""Documents of the price domain: workbooks and pages, made of results alone."""
