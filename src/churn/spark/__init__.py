"""Apache Spark: the same work on more rows than one machine holds.

Only what is called with ENGINE=spark imports these modules, and they PySpark, in their functions.
"""
