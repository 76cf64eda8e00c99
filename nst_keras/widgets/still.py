"""A picture that stays in a notebook below a widget, for readers without a kernel."""

import base64
import html

from IPython.display import display

# Where a living widget is shown, the still is hidden; elsewhere, what Jupyter says in the widget's place.
STILL = """<style>
.jp-OutputArea:has(.{live}) > .jp-OutputArea-child:has(.{live}-still),
.jp-OutputArea-child:not(:has(.{live})):has(+ * .{live}-still) {{ display: none }}
</style>
<div class="{live}-still">{pictures}
<p>{words} If no widget comes, install anywidget where Jupyter runs.</p></div>"""


class LeavesStill:
    """A widget that makes two outputs: itself, and a picture of what it shows.

    A subclass has `_live`, a CSS class of the widget where it runs; `_words`, which stand below the picture; and
    `_pictures`, which returns (alt text, JPEG file) for each picture.
    """

    _handle = None

    def _ipython_display_(self):
        bundle = self._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        display(data | {"text/plain": self._words}, metadata=metadata, raw=True)
        self._handle = display(self._still(), raw=True, display_id=True)

    def _still(self):
        shown = self._pictures()
        pictures = "".join(
            f'<img alt="{html.escape(alt)}" src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}">'
            for alt, jpeg in shown
        )
        text = STILL.format(live=self._live, pictures=pictures, words=self._words)
        return {"text/html": text, "text/plain": ", ".join(alt for alt, _ in shown)}

    def _update_still(self, change=None):
        if self._handle:
            self._handle.update(self._still(), raw=True)
