#!/bin/bash
# chute as a service under a real systemd, from its installation to its upgrade. Runs in testdata/sandbox: service.sh PROGRAM LIBRARY
# The partner acme and chute are two users. Everything that the partner does is done as acme.
set -Eeuo pipefail
program=$1 library=$2
step=beginning
failed() {
  trap - ERR
  set +e
  echo "FAILED in line $1: $step: $2"
  systemctl status chute --no-pager -n 0
  journal | tail -60
  ls -lR /srv | grep -v '/f[0-9]*[.]csv'
  exit 1
}
trap 'failed $LINENO "$BASH_COMMAND"' ERR

store=/srv/chute/acme
step() { step=$*; echo "$(date +%s.%N | cut -c 6-14) $*"; }
await() { # WHAT COMMAND…: until the command succeeds
  local what=$1 i
  shift
  for ((i = 0; i < 1200; i++)); do
    if "$@" > /dev/null 2>&1; then return 0; fi
    sleep 0.05
  done
  echo "waited a minute for $what"
  return 1
}
same() { [ "$1" = "$2" ] || { printf '%q, not %q\n' "$1" "$2"; return 1; }; }
as() { runuser -u "$@"; }
drop() { as acme -- bash -c "umask 027; cat > $store/in/$1.part && mv $store/in/$1.part $store/in/$1"; }
shows() { systemctl show chute -P "$1"; }
journal() { journalctl --sync && journalctl -u chute --no-pager -o cat; }
says() { journal | grep -- "$1" > /dev/null; }
status_is() { { chute status --dir /var/lib/chute || true; } | grep -- "$1" > /dev/null; }
loaded() { [ -e "$store/done/$1" ]; } # the file comes last
errors() { journal | grep -cE '"level":"(error|fatal)"|^panic' || true; }
rows() { as chute -- chute query "SELECT count() FROM $1"; }
# Nothing is under way, all that the partner dropped is in one of two folders, and chute has no error to report.
folders() { # FILES-IN-DONE
  await "an empty work folder" eval '[ -z "$(find $store/in $store/.chute -type f)" ]' # claim.json goes behind the file
  same "$(find $store/done -name '*.csv' ! -name '*.rejects.csv' | wc -l)" "$1"
  same "$(errors) errors" "${2:-0} errors"
}

step install
install -m 755 "$program" /usr/bin/chute
useradd -r -p '*' acme
mkdir -p /usr/local/lib/chute /etc/chute
: > /usr/local/lib/chute/libchdb-26.5.3.so
mount --bind "$library" "/usr/local/lib/chute/$(basename "$library")"
cat > /etc/chute/chute.toml <<'T'
[jobs]
dir = "jobs.d"
[limits]
min_free = "16MiB"
[[store]]
name = "acme"
path = "/srv/chute/acme"
[[store]]
name = "remote"
sftp = "sftp://acme@127.0.0.1:2222/srv/remote"
host_key = ["FINGERPRINT"]
private_key = { credential = "remote-key" }
T
T=/etc/chute/chute.toml
ssh-keygen -q -t ed25519 -N '' -f /etc/chute/host_key
sed -i "s|FINGERPRINT|$(ssh-keygen -l -f /etc/chute/host_key.pub | cut -d ' ' -f 2)|" $T
chute install
chute install | tee /run/again
same "$(grep -c 'is as it should be' /run/again)" 5
systemd-sysusers
usermod -aG acme chute
systemd-tmpfiles --create chute.conf
ssh-keygen -q -t ed25519 -N '' -f /etc/chute/credentials/remote-key
install -d -m 750 -o root -g acme $store
install -d -m 700 -o chute -g chute $store/.chute
install -d -m 2770 -o chute -g acme $store/in
for folder in done rejected out; do install -d -m 2750 -o chute -g acme $store/$folder; done
job() { # NAME STORE MATCH TABLE
  cat > /etc/chute/jobs.d/$1.toml <<J
kind = "import"
store = "$2"
inbox = "in"
match = "$3"
settle = "200ms"
poll = "1s"
[target]
table = "$4"
create = true
order_by = ["id"]
[[column]]
name = "id"
type = "UInt32"
[[column]]
name = "amount"
type = "Decimal(9,2)"
J
}
job orders acme '{f,big}*.csv' orders
job remote remote '*.csv' remote
cat > /etc/chute/jobs.d/totals.toml <<'J'
kind = "export"
store = "acme"
outbox = "out"
file = "totals.csv"
query = "SELECT sum(id * 2 + 1) AS total FROM orders"
[format]
type = "csv"
J
chgrp -R chute /etc/chute/*.toml /etc/chute/jobs.d
systemctl daemon-reload
same "$(systemd-analyze verify /etc/systemd/system/chute.service 2>&1)" ""
systemd-analyze security --threshold=15 chute.service > /run/security || { tail -3 /run/security; false; }

step a server for the store behind SFTP
mkdir -p /run/sshd /srv/remote/in
chown -R acme /srv/remote
install -D -m 644 /etc/chute/credentials/remote-key.pub /run/partner_key.pub
systemd-run -q --unit=remote /usr/sbin/sshd -D -f /dev/null -p 2222 -h /etc/chute/host_key -o UsePAM=no -o StrictModes=no \
  -o AuthorizedKeysFile=/run/partner_key.pub -o 'Subsystem=sftp internal-sftp'

step start
systemctl start chute
same "$(shows ActiveState) $(shows User) $(shows Type)" "active chute notify"
says 'folder acme:done (orders): files can be moved'
await "the status line" eval 'shows StatusText | grep "^OK - [0-9]* jobs, 0 files wait"'

# The ids are 1 to 98, 1001 to 1098, and 99.
total=$((2 * (2 * 98 * 99 / 2 + 98 * 1000 + 99) + 197))
step a hundred files of a partner, and one through SFTP
as acme -- bash -c "umask 027; cd $store/in; for i in {1..98}; do printf 'id,amount\n%d,1.5\n%d,2.5\n' \$i \$((i+1000)) > f\$i.csv; done"
printf 'id,amount\n99,1.5\nx,2.5\n' | drop f99.csv
printf 'id,quantity\n1,2\n' | drop f100.csv
printf 'id,amount\n7,7.5\n' > /srv/remote/in/r.csv
await "the hundred files" eval '[ $(find $store/done $store/rejected -name "f*.csv" ! -name "*.rejects.csv" | wc -l) = 100 ]'
await "the file behind SFTP" test -e /srv/remote/done/r.csv
same "$(rows remote)" 1
for _ in 1 2 3 4 5; do # the engine would compile the expression at its third use
  same "$(as chute -- chute query 'SELECT sum(id * 2 + 1), sum(amount * 3) FROM orders WHERE id * 3 + 1 > 0 AND id % 7 >= 0')" "$(printf '%d\t1180.50' $total)"
done
folders 99

step what the partner gets back
as acme -- grep -q '2 records' $store/done/f98.csv.log
same "$(as acme -- cat $store/done/f99.rejects.csv)" "$(printf 'id,amount\nx,2.5')"
as acme -- grep -q quantity $store/rejected/f100.csv.log
as chute -- chute export totals
same "$(as acme -- cat $store/out/totals.csv)" "$(printf 'total\r\n%d\r' $total)"
if as nobody -- cat $store/done/f98.csv.log 2> /dev/null; then echo "everybody can read it"; false; fi
if as acme -- rm -f $store/done/f98.csv.log 2> /dev/null; then echo "the partner can remove it"; false; fi

step reload
job returns acme 'r*.csv' returns
chgrp chute /etc/chute/jobs.d/returns.toml
pid=$(shows MainPID)
systemctl reload chute
printf 'id,amount\n1,1\n' | drop r1.csv
await "the new job's file" loaded r1.csv
same "$(rows returns)" 1
echo 'match = 7' >> /etc/chute/jobs.d/orders.toml
if systemctl reload chute; then echo "a bad configuration was taken"; false; fi
same "$(shows ActiveState) $(shows MainPID)" "active $pid"
await "the bad reload in the status line" eval 'shows StatusText | grep "^WARNING - the configuration was refused at .*orders.toml"'
status_is 'CHUTE WARNING - the configuration was refused'
printf 'id,amount\n2,1\n' | drop r2.csv
await "a file under the old configuration" loaded r2.csv
sed -i '$d' /etc/chute/jobs.d/orders.toml
systemctl kill --kill-whom=main -s HUP chute # the others of its control group can't always be listed in a sandbox
await "the good reload by a signal" status_is 'CHUTE OK'
folders 101 1

# A load that takes long enough to be met in the middle.
seq -f '%.0f,1.50' 10001 2010000 > /run/big
bigs=0
interrupt() { # COMMAND…: done while a file is being loaded. Where it comes too late, another file is taken.
  local name
  until name=big$((++bigs)).csv && big $name && "$@" && test -e $store/.chute/*/*/$name; do
    same "$((bigs < 10))" 1
    systemctl start chute
    await $name loaded $name
  done
}
big() { # NAME
  { echo id,amount; echo "$bigs,0.5"; cat /run/big; } > $store/in/$1.part
  chown acme:acme $store/in/$1.part
  chmod 640 $store/in/$1.part
  mv $store/in/$1.part $store/in/$1
  await "$1 to be taken" eval "test -e $store/.chute/*/*/$1"
}
big_rows() { rows 'orders WHERE amount = 1.5 AND id > 10000'; }

step stop during a load
printf '[Service]\nRestartSec=100ms\n' > /etc/systemd/system/chute.service.d/test.conf
systemctl daemon-reload
interrupt systemctl stop chute
same "$(shows Result) $(shows ExecMainStatus)" "success 0"
status_is 'CHUTE CRITICAL - chute was stopped'
systemctl start chute
await big$bigs loaded big$bigs.csv
same "$(big_rows)" $((bigs * 2000000))
folders $((101 + bigs)) 1

step kill during a load
kill9() {
  local before=$(shows NRestarts)
  systemctl kill --kill-whom=main -s KILL chute
  await "a restart" eval "[ \$(shows NRestarts) -gt $before ]"
}
interrupt kill9
await big$bigs loaded big$bigs.csv
await "the restart" eval '[ $(shows ActiveState) = active ]'
same "$(big_rows)" $((bigs * 2000000))
folders $((101 + bigs)) 1

step upgrade
cp /usr/bin/chute /usr/bin/chute.new
echo >> /usr/bin/chute.new
mv /usr/bin/chute.new /usr/bin/chute
printf '[Service]\nRestartSec=100ms\nWatchdogSec=6s\n' > /etc/systemd/system/chute.service.d/test.conf
systemctl daemon-reload
systemctl restart chute
same "$(stat -L -c %i /proc/$(shows MainPID)/exe)" "$(stat -c %i /usr/bin/chute)"
pid=$(shows MainPID) began=$SECONDS
as chute -- chute query 'SELECT (SELECT sleep(2.6)) + (SELECT sleep(2.5)) + (SELECT sleep(2.4))' > /run/long & long=$!
printf 'id,amount\n3,1\n' | drop r3.csv
await "a file of the new version" loaded r3.csv
folders $((102 + bigs)) 1

step a statement that takes longer than the watchdog waits
wait $long
same "$(cat /run/long) $((SECONDS - began > 6))" "0 1"
same "$(shows ActiveState) $(shows MainPID)" "active $pid"
status_is 'CHUTE OK'

step hang
before=$(shows NRestarts)
mkfifo -m 666 /var/lib/chute/status/.daemon.json.new # the loop hangs when it writes there; nothing else does
await "the watchdog" says 'Watchdog timeout'
rm /var/lib/chute/status/.daemon.json.new
await "a restart" eval '[ $(shows NRestarts) -gt $before ] && [ $(shows ActiveState) = active ]'
says '^goroutine .*' # what hung, for who has to find out
printf 'id,amount\n4,1\n' | drop r4.csv
await "a file after it" loaded r4.csv
folders $((103 + bigs)) 1

step what no restart mends
await "no restart to be under way" eval '[ $(shows SubState) = running ]'
restarts=$(shows NRestarts)
chown acme /usr/local/lib/chute
if systemctl restart chute; then echo "a library that others can change was taken"; false; fi
says "a service can't use the engine library: /usr/local/lib/chute doesn't belong to root"
same "$(shows ActiveState) $(shows ExecMainStatus)" "failed 78"
chown root /usr/local/lib/chute
echo nonsense >> $T
if systemctl restart chute; then echo "a bad configuration was taken"; false; fi
same "$(shows ActiveState) $(shows ExecMainStatus)" "failed 78"
sed -i '$d' $T
systemctl start chute
printf 'id,amount\n5,1\n' | drop r5.csv
await "a file in the end" loaded r5.csv
systemctl stop chute
same "$(shows Result)" success
folders $((104 + bigs)) 1
step through
