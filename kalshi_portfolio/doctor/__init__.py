"""What is wrong here, and what to do: the program, the settings, the key, the exchange, the data folder.

examine   puts it all together                findings   what is shown
settings  settings and the private key        program    versions and the platform
exchange  what the exchange says              folder     what is on disk
repair    damaged files fetched anew
"""

from kalshi_portfolio.doctor.examine import doctor
from kalshi_portfolio.doctor.findings import AREAS, Checkup, Finding

__all__ = ["AREAS", "Checkup", "Finding", "doctor"]
