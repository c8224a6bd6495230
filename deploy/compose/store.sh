#!/bin/sh
# Runs once, in an empty PostgreSQL, as its administrator: makes the two logins Lifeboat has (docs/record.md says what each may do) and its
# database. Passwords come from the environment.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 \
  --set owner_password="$LIFEBOAT_OWNER_PASSWORD" --set bot_password="$LIFEBOAT_BOT_PASSWORD" <<'SQL'
create role lifeboat_owner login createrole password :'owner_password';
create role lifeboat_bot login password :'bot_password';
create database lifeboat owner lifeboat_owner;
revoke connect on database lifeboat from public;
grant connect on database lifeboat to lifeboat_bot;
SQL
