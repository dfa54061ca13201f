"""The code in docs/plugin-guide.md is what is compiled: each block is, word for word, in the file that it names."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs/plugin-guide.md"

text = GUIDE.read_text()
blocks = re.findall(r"<!-- (\S+) -->\n```\w+\n(.*?)\n```\n", text, re.S)
wrong = []
for name, code in blocks:
    if code not in (ROOT / name).read_text():
        wrong.append(f"{name} does not have this any more:\n{code[:200]}…")
unnamed = len(re.findall(r"^```\w+$", text, re.M)) - len(blocks)
if unnamed:
    wrong.append(f"{unnamed} blocks do not name their file in a comment before them")
if len(blocks) < 5:
    wrong.append(f"only {len(blocks)} blocks found")
if wrong:
    sys.exit(f"{GUIDE.relative_to(ROOT)}: " + "\n".join(wrong))
print(f"{len(blocks)} blocks, all as compiled")
