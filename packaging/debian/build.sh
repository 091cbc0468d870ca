#!/usr/bin/env bash
# Builds build/baton_VERSION_ARCH.deb from the release binary.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=${1:?usage: build.sh VERSION}
arch=$(dpkg --print-architecture)
root=build/deb
rm -rf "$root"
make --no-print-directory install DESTDIR="$PWD/$root" >/dev/null
install -d "$root/DEBIAN" "$root/usr/share/doc/baton"
install -m 0644 README.md CHANGELOG.md "$root/usr/share/doc/baton/"
install -m 0644 packaging/debian/copyright "$root/usr/share/doc/baton/copyright"
cp -r docs "$root/usr/share/doc/baton/"
sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" \
    -e "s/@SIZE@/$(du -sk "$root" | cut -f1)/" packaging/debian/control > "$root/DEBIAN/control"
install -m 0755 packaging/debian/postinst packaging/debian/prerm packaging/debian/postrm "$root/DEBIAN/"
chmod -R go-w "$root"
dpkg-deb --root-owner-group --build "$root" "build/baton_${version}_${arch}.deb"
