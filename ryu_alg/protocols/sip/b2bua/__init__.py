"""The back-to-back user agent (RFC 3261 section 6, RFC 7092): two dialogues for each one.

options        what can be configured
policy         which call of whom may be made, and for how long
phrases        reason phrases
identity       the names that the gateway gives
hiding         what of the inside is not seen outside
headers        which headers cross
bodies         which bodies cross, and what becomes of descriptions in them
legs           one side of a dialogue
calls          what belongs together, bounded
registrations  contacts of the inside that a registrar knows
references     Replaces and Refer-To: dialogues and contacts by their names on the other side
holds          how long control endpoints stay
sessions       how long calls and subscriptions last
agent          what all of it works with: transactions, tables, time
arrivals       how a request came
invites        calls that are set up
dialogues, dialogue_responses   what happens within calls and subscriptions
outside_dialogues, registering  what belongs to nothing yet
endings        how calls end
outcomes       what becomes of what left
core           the inspector
"""
