r"""Words by which criminal-history text is known. One name, one group of whole-word patterns.

In a pattern `~` stands for what may lie between two words (blanks, dots, a dash), `\w+` for a word,
and blanks do not count. Plain verbs ("wants help", "wanted to go home", "cardiac arrest") are no
criminal history.
"""

from __future__ import annotations

import re

from apps.dispatch.hazards import phrase

_GRAVE = (
    "assault | theft | robbery | burglary | murder | rape | dv | homicide | shooting | stabbing"
)
_RECORD = "histor(?:y|ies) | hist | hx | records? | priors?"
_DEEDS = "felon(?:y|ies) | offen[cs]es? | charges? | charged | crimes?"
_PLACES = "jail | prison | custody | kcj | kccf | rjc | doc | monroe | shelton | walla~walla"
_AGENCIES = "police | law | le | doc | feds | marshals | us~marshals | spd | kcso | wsp"

_GROUPS: dict[str, str] = {
    "warrant": rf"""
        warrants? | wrr?nts? | fugitives? | want~hit |
        (?:fel | felony | misd | misdemeanor | doc | bench)~(?:war | wts? | wrts? | wants?) |
        (?:outstanding | active | open | confirmed | no | neg | negative | any | has | local |
            clear~of | clr~of)~(?:(?:known | outstanding | active | open | local | felony |
            misd)~)?wants |
        wants~(?:and~ | or~)?(?:chk | check | checked | returns?) |
        wanted~(?:persons? | subjects? | subjs? | felons? | suspects? | fugitives? | party |
            status) |
        wanted~by~(?:{_AGENCIES} | \w+~(?:pd | so | police | county)) |
        wanted~(?:in | out~of)~\w+~(?:county | pd | so) |
        wanted~for~(?:a~)?(?:\w+~)?(?:{_GRAVE} | arrest | questioning | escape | fta | crimes? |
            vucsa | doc)
    """,
    "database": r"""
        n~?c~?i~?c | w~?a~?c~?i~?c | wasis | nlets | cjis | nics | linx | jils | juvis | cch |
        interstate~identification~index | triple~?(?:i | eye) | rap~?(?:sheets? | back) |
        iii~(?:hit | check | query | record | return) |
        access~(?:hit | check | query | return | shows?) |
        (?:records? | rms)~(?:hit | check | return)s? |
        (?:dol | dmv)~(?:hit | check | query | return | record | status | shows?) |
        name~checks? | hit~confirm\w* | confirmed~hits?
    """,
    "history": rf"""
        crim(?:inal | s)?~(?:\w+~)?(?:{_RECORD} | backgrounds? | past | justice) |
        (?:arrest | conviction | felony | police | jail | prison | juvenile | juvie | court |
            booking)~(?:{_RECORD}) |
        (?:{_RECORD})~(?:of | for | with)~(?:\w+~){{0,3}}(?:arrests? | convictions? | {_DEEDS} |
            bookings? | incarceration | burglar(?:y | ies) | thefts? | robber(?:y | ies)) |
        (?:prior | previous | previously | past | multiple | numerous | several | many | known |
            pending | open | outstanding | old | recent)~(?:\w+~){{0,3}}(?:arrests? |
            arrested | convictions? | convicted | {_DEEDS} | bookings? | booked | incarcerat\w* |
            jailed) |
        \d{{1,2}}~(?:\w+~)?(?:arrests | convictions | felonies | bookings) |
        priors | prior~(?:for | dv | dui | vucsa | assaults? | thefts? | robber(?:y | ies) |
            burglar(?:y | ies)) |
        (?<!cardiac\W)(?<!respiratory\W)(?<!heart\W)(?<!resp\W)(?<!cardio\W)(?<!full\W)
            arrests?~(?:for | in | on | by | from | last | dates?) |
        arrested | arrestees? | rearrested | convict(?:ed | ions? | s)? | ex~?cons? |
        ex~?convicts? | felons? | career~criminals? |
        (?:known | repeat | prolific | violent | registered | predatory | convicted | habitual)~
            (?:\w+~){{0,2}}(?:offenders? | criminals?)
    """,
    "sex offender": r"""
        sex(?:ual | ually)?~(?:violent~)?(?:offenders? | predators? | offen[cs]e~regist\w*) |
        (?:level | lvl | tier)~(?:[123] | i | ii | iii | one | two | three)~(?:\w+~)?offenders? |
        rso | svp | offender~regist\w* | regist\w*~(?:as~)?(?:a~)?(?:\w+~)?offenders? |
        fail(?:ed | ure | s | ing)?~to~register | megan'?s~law | kidnapping~offenders?
    """,
    "custody": rf"""
        probation\w* | parole[es]? | paroled | cco | inmates? | incarcerat\w* | work~release |
        community~(?:custody | corrections\w*) | department~of~corrections | supervised~release |
        (?:doc | active | community | court | federal | state | county)~supervision |
        doc~(?:\w+~)?(?:supervis\w* | hold | status | officers? | custody | active | escapee? |
            inmate) |
        (?:active | under)~doc | (?:served | did | doing)~(?:hard~ | jail~)?time |
        (?:released | out | release)~(?:\w+~)?(?:from | of)~(?:\w+~)?(?:{_PLACES}) |
        (?:jail | prison | kcj)~(?:release | booking | inmate | time | term) |
        booked~(?:into | in | for) | (?:on | out~on | no | posted | made)~bail | bail~jump\w* |
        (?:pretrial | electronic | ehm | ankle)~(?:release | monitor\w* | home) | ftas? |
        fail(?:ed | ure | s | ing)?~to~appear |
        escape~(?:status | from~(?:jail | prison | custody | doc))
    """,
    "charges": r"""
        charged~(?:with | for | in) | facing~(?:\w+~){0,2}charges? |
        (?:felony | criminal | drug | assault | dv | misd | misdemeanor)~(?:charges? | cases? |
            counts?) |
        indict\w* | arraign\w* | plead(?:ed)?~guilty | pled~guilty | found~guilty | sentenced |
        pc~(?:for | to)~\w+ | probable~cause |
        gang~(?:files? | members? | affiliat\w* | related~record)
    """,
    "identifier": r"""
        (?:sid | fbi | doc | pcn | oca | nic)(?:~?(?:no | num | number | nbr))?
            [\W_]{0,4}[a-z]{0,3}[\W_]?\d{5,}[a-z0-9]* |
        (?:sid | fbi | pcn)~(?:no | num | number | nbr) | fingerprint~(?:number | record | hit)s?
    """,
}

# A word without the sign that also lies between words: a line drawn with underscores after "prior"
# could be told apart in so many ways that a note with one kept a thread for minutes.
PATTERNS: dict[str, re.Pattern[str]] = {
    name: phrase(words.replace(r"\w", r"[^\W_]")) for name, words in _GROUPS.items()
}

#: A key of structured data whose value is criminal history, whatever it says.
KEY = re.compile(
    r"warrant|criminal|arrest|convict|offen[cs]e|offender|probation|parole|booking|"
    r"(?:^|person)(?:SID|FBI|StateFingerprint|FBIIdentification)",
    re.IGNORECASE,
)
