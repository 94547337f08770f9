"""Reading customers: files here, in S3 and on the web, and tables of databases.

`load` and `make score` both read through here, in Arrow tables of a bounded number of rows, so that
memory does not grow with the input.
"""
