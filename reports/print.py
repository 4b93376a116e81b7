"""Prints pages as PDF with WeasyPrint, as many as are asked for: it is imported once.

Reads from stdin a line `PAGE.html<TAB>FILE.pdf` for each, and answers `ok` or `error <TAB> reason`. A PDF is written
beside its place and moved there, so that none is ever half; what a killed printer left there goes. A page may name no other file and no address: it needs none.
"""
import glob
import logging
import os
import sys

import weasyprint

logging.getLogger("weasyprint").setLevel(logging.CRITICAL)
logging.getLogger("fontTools").setLevel(logging.CRITICAL)


def refuse(url, *arguments, **options):
    raise ValueError("a report may not fetch " + url)


def main():
    fonts = weasyprint.text.fonts.FontConfiguration()
    for line in sys.stdin:
        page, _, place = line.rstrip("\n").partition("\t")
        # A printer whose asker was killed goes on to the end of its page: two may print to one place.
        part = "%s.%d.part" % (place, os.getpid())
        try:
            remove_left(place)
            document = weasyprint.HTML(filename=page, url_fetcher=fetch(page), base_url=None)
            document.write_pdf(part, font_config=fonts)
            os.replace(part, place)
            print("ok", flush=True)
        except Exception as error:  # Whatever it is, the caller has to know and go on.
            if os.path.exists(part):
                os.remove(part)
            print("error\t" + " ".join(str(error).split()), flush=True)


def remove_left(place):
    """Removes the parts of a file whose printers have gone."""
    for part in glob.glob(glob.escape(place) + ".*.part"):
        printer = part[len(place) + 1 : -len(".part")]
        if printer.isdigit() and not os.path.exists("/proc/" + printer):
            os.remove(part)


def fetch(page):
    """The page itself, and nothing else."""

    def fetcher(url, *arguments, **options):
        if url == "file://" + page:
            return weasyprint.default_url_fetcher(url, *arguments, **options)
        return refuse(url)

    return fetcher


if __name__ == "__main__":
    main()
