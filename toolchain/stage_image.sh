#!/usr/bin/env bash
# Stages what an image holds besides an executable: the libraries that it loads, /tmp (native addons
# are unpacked there) and /data. Run by `make image`.
set -euo pipefail
cd "$(dirname "$0")/.."
root=build/image
rm -rf "$root"
mkdir -p "$root"/{tmp,data,etc,usr/local/bin}
chmod 1777 "$root/tmp"
chown 1000:1000 "$root/data" 2>/dev/null || chmod 0777 "$root/data"
printf 'root:x:0:0::/data:\ncita:x:1000:1000::/data:\n' >"$root/etc/passwd"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
for executable in bin/*; do
  ldd "$executable" | grep -o '/[^ ]*'
done | sort -u | while read -r library; do
  install -D -m 0755 "$library" "$root$library"
done
# names are resolved by libraries that ldd does not see; native addons are C++
for name in libnss_files.so.2 libnss_dns.so.2 libresolv.so.2 libstdc++.so.6; do
  library=$(ldconfig -p | sed -n "s|.*$name (libc6,x86-64.* => ||p" | head -n 1)
  [ -z "$library" ] || install -D -m 0755 "$library" "$root$library"
done
