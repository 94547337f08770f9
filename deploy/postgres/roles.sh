#!/bin/bash
# Runs once, when the volume is empty: a role and a database each for the prediction log and MLflow, neither of
# which the other's role may enter.
set -euo pipefail

for name in churn mlflow; do
  secret=${name/churn/log}_password
  # Passwords go by psql's own variables: arguments are seen by every process.
  psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username=postgres --set=name="$name" <<SQL
\set password \`cat /run/secrets/$secret\`
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
