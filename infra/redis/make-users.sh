#!/bin/sh
# Makes the users of Redis: make-users.sh /etc/pagepass/redis
# There it writes users.acl (for Redis) and passwords.env (a line for each user). Users who have a password there keep it.
set -eu
here=$(dirname "$0")
to=$1
umask 077
touch "$to/passwords.env"

for user in bot workers proxy backup admin replica sentinel; do
  name=REDIS_$(printf %s "$user" | tr a-z A-Z)_PASSWORD
  grep -q "^$name=" "$to/passwords.env" || printf '%s=%s\n' "$name" "$(openssl rand -hex 32)" >> "$to/passwords.env"
done

queues=
for queue in incidents beginnings expiries reminders questions messages notes summaries; do queues="$queues ~{pagepass}:$queue:*"; done
# What BullMQ's scripts do.
queues="($queues +eval +evalsha +del +exists +get +set +incr +incrby +unlink +type +persist +pttl +pexpire +pexpireat
  +hget +hset +hmset +hmget +hgetall +hdel +hexists +hincrby +hlen
  +lindex +llen +lpop +lpos +lpush +lrange +lrem +lset +ltrim +rpop +rpoplpush +rpush
  +sadd +scard +sismember +smembers +srem
  +zadd +zcard +zcount +zlexcount +zpopmin +zrange +zrangebylex +zrangebyscore +zrem +zremrangebyrank
  +zremrangebyscore +zrevrange +zrevrangebyscore +zscore +bzpopmin +xadd +xdel +xlen +xrange +xtrim)"

sed -e '/^ *#/d' -e '/^$/d' "$here/users.template" |
  awk '/^ / { printf " %s", $0; next } { if (NR > 1) printf "\n"; printf "%s", $0 } END { printf "\n" }' |
  while IFS= read -r line; do
    user=$(printf %s "$line" | cut -d ' ' -f 2)
    name=REDIS_$(printf %s "$user" | tr a-z A-Z)_PASSWORD
    password=$(sed -n "s/^$name=//p" "$to/passwords.env")
    hash=$(printf %s "$password" | openssl dgst -sha256 -r | cut -d ' ' -f 1)
    printf '%s\n' "$line" | sed -e "s/ PASSWORD/ #$hash/" -e "s/QUEUES/$(printf %s "$queues" | tr '\n' ' ' | sed 's/[*&]/\\&/g')/"
  done | tr -s ' ' | sed -e 's/( /(/g' -e 's/ )/)/g' > "$to/users.acl.new"
mv "$to/users.acl.new" "$to/users.acl"
