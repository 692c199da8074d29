#!/usr/bin/env bash
# Runs inside a container that keeps its root: the service is installed and has counted, and is enabled for the next boot.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../words.sh
source /checkout/tests/system/service/words.sh

begins
