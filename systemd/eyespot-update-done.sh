#!/bin/sh
# Run by eyespot-update.service: a worker that was killed may have left the request that killed it, and whoever
# watches the folder would start the next one at once, for ever.
case $SERVICE_RESULT/$EXIT_STATUS in
    success/* | exec-condition/* | exit-code/1 | exit-code/65 | exit-code/69 | exit-code/74 | exit-code/78) ;;
    *) rm -f "$EYESPOT_MODELS_DIR"/requests/worker/*.json ;;
esac
