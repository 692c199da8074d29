#!/bin/sh
# Fetches the package that the factory model comes from, takes the model and its labels out of it
# again, and proves that the files here are just these. Needs npm.
set -eu

package='@mediapipe/objectron@0.4.1675468480'
member='package/objectron_solution_packed_assets.data'
member_sha256='470986ca5df183f41698da6de74b027d838fe289d77b5ab094497d350bee664e'
labels_bytes=184 # the label map comes first, the network is the rest

here=$(cd "$(dirname "$0")/factory" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! command -v npm >/dev/null; then
    echo "npm is missing; install it, as by: apt install npm" >&2
    exit 1
fi
cd "$work"
archive=$(npm pack --silent "$package")
tar -xzf "$archive" "$member"
if ! echo "$member_sha256  $member" | sha256sum --check --status; then
    echo "$package holds something else than it did: $member has another sha256" >&2
    exit 1
fi
head -c "$labels_bytes" "$member" >labels.txt
tail -c "+$((labels_bytes + 1))" "$member" >model.tflite

for file in labels.txt model.tflite; do
    sha256sum "$file"
    if ! cmp "$file" "$here/$file"; then
        echo "$here/$file differs from the one in $package" >&2
        exit 1
    fi
done
echo "identical: the files here are those of $package"
