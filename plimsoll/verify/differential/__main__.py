"""``python -m plimsoll.verify.differential``."""

import sys

from plimsoll.verify.differential.run import main

sys.exit(main())
