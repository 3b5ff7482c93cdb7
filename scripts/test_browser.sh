#!/usr/bin/env bash
# Profiles ResNet-50 and a DistilBERT with build/release/wherry and looks at the results in a headless Chromium: the
# reports in light and dark, and the traces in TensorBoard, whose PyTorch plugin's four views must show what they have.
#   scripts/test_browser.sh [--pictures FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install_dependencies.sh browser
tools=build/browser
mkdir -p $tools
[ -x $tools/venv/bin/pip ] || python3 -m venv $tools/venv
$tools/venv/bin/pip install --quiet --disable-pip-version-check -r tests/browser/requirements.txt
# What the plugin's Trace view wants of browsers since 2020; its page loads it from the network.
if [ ! -f $tools/package/webcomponents.min.js ] && command -v npm >/dev/null; then
  (cd $tools && npm pack --silent webcomponents.js@0.7.24 >/dev/null && tar xzf webcomponents.js-0.7.24.tgz)
fi
polyfill=()
[ ! -f $tools/package/webcomponents.min.js ] || polyfill=(--polyfill $tools/package/webcomponents.min.js)

rm -rf $tools/logs
models=(resnet50)
if [ -d ../shared/models/distilbert-sst2 ]; then
  models+=(../shared/models/distilbert-sst2)
else
  echo "SKIPPED: no ../shared/models/distilbert-sst2; ResNet-50 alone is looked at" >&2
fi
reports=()
for model in "${models[@]}"; do
  report=$tools/$(basename "$model").html
  build/release/wherry profile "$model" --logdir $tools/logs --seconds 1 --html "$report"
  reports+=("$report")
done
$tools/venv/bin/python tests/browser/report_test.py "${reports[@]}" "$@"
$tools/venv/bin/python tests/browser/tensorboard_test.py $tools/logs "${polyfill[@]}" "$@"
