/**
 * Every reason for which something is refused: a closed list. `status` is what the proxy answers (RFC 9110),
 * `person` what the refused person reads. The reason's code is what logs, audit and tests compare.
 */
export const reasons = {
  // The request itself
  'target-not-canonical': {
    status: 400,
    person: 'The path of this request can be read in more than one way.',
  },
  'headers-ambiguous': {
    status: 400,
    person: 'A header of this request is repeated or can be read in more than one way.',
  },
  'header-reserved': { status: 400, person: 'This request carries a header that only Pagepass may set.' },
  'method-not-allowed': { status: 400, person: 'This method is not forwarded.' },
  'upgrade-not-admitted': { status: 403, person: 'No pass admits this protocol upgrade.' },
  'proxy-only': { status: 403, person: 'This is reached only through Pagepass’s own proxy.' },
  'front-unknown': { status: 403, person: 'The proxy in front has not shown that it may ask.' },
  'front-unclear': { status: 400, person: 'The proxy in front does not say clearly what was asked for.' },
  'egress-form': {
    status: 400,
    person: 'This is a forward proxy, and takes only whole addresses of http or https.',
  },
  'egress-tunnel': {
    status: 405,
    person: 'Nobody can see what goes through a tunnel, so there are none here.',
  },
  'host-wrong': { status: 421, person: 'This proxy does not serve this host.' },
  'service-unknown': { status: 404, person: 'There is no such service here.' },
  // Who asks
  'token-missing': { status: 401, person: 'Say who you are: send a token of your identity provider.' },
  'token-invalid': { status: 401, person: 'Your token does not verify. Sign in again.' },
  'token-expired': { status: 401, person: 'Your token has expired. Sign in again.' },
  'session-over': { status: 401, person: 'Your session here is over. Sign in again.' },
  'origin-foreign': {
    status: 403,
    person: 'In your session, only this service’s own pages may ask for this.',
  },
  'identity-unavailable': {
    status: 503,
    person: 'The identity provider does not answer, so nobody can be recognised.',
  },
  // What they may
  'principal-locked': { status: 403, person: 'You are locked out of everything that Pagepass guards.' },
  'grant-missing': { status: 403, person: 'You have no pass for this service.' },
  'tier-too-low': { status: 403, person: 'Your pass does not reach this far.' },
  'tier-none': { status: 403, person: 'No pass to this service allows this.' },
  'grant-unverified': { status: 403, person: 'Your pass does not verify.' },
  'grant-beyond-rules': { status: 403, person: 'Your pass goes beyond what the rules allow you.' },
  'sign-in-needed': { status: 401, person: 'This needs another sign-in: a stronger one, or a newer one.' },
  frozen: { status: 403, person: 'Nothing that was asked for by hand counts here for now.' },
  'view-missing': { status: 503, person: 'Pagepass is starting and does not know the passes yet.' },
  'view-stale': {
    status: 503,
    person: 'Pagepass has not heard of changes for too long to let this through.',
  },
  'egress-missing': { status: 403, person: 'No rule lets you call this address.' },
  'egress-beyond': { status: 403, person: 'The rules let you call this address, but not for this.' },
  // A break-glass pass that came with the request
  'break-glass-none': { status: 403, person: 'The rules here know no break-glass.' },
  'break-glass-unreadable': { status: 400, person: 'The break-glass pass of this request is none.' },
  'break-glass-elsewhere': { status: 403, person: 'This break-glass pass is for another environment.' },
  'break-glass-not-yours': { status: 403, person: 'This break-glass pass is somebody else’s.' },
  'break-glass-people': { status: 403, person: 'The rules don’t let you break the glass.' },
  'break-glass-service': { status: 403, person: 'This break-glass pass does not name this service.' },
  'break-glass-tier': {
    status: 403,
    person: 'This break-glass pass is for more than breaking the glass may reach here.',
  },
  'break-glass-too-long': { status: 403, person: 'This break-glass pass is for longer than there may be.' },
  'break-glass-early': { status: 403, person: 'This break-glass pass has not begun yet.' },
  'break-glass-over': { status: 403, person: 'This break-glass pass is over.' },
  'break-glass-unsigned': {
    status: 403,
    person: 'Too few of the named keys signed this break-glass pass, or a signature does not hold.',
  },
  'rate-limited': { status: 429, person: 'This pass allows fewer requests a second.' },
  'audit-unavailable': { status: 503, person: 'What you do could not be recorded, so it was not done.' },
  'upstream-failed': { status: 502, person: 'The service did not answer.' },
  'upstream-late': { status: 504, person: 'The service did not answer in time.' },
  // Breaking the glass with the bot
  'break-glass-offline': {
    status: 503,
    person:
      'Nobody can sign in freshly here, so only a pass that named keys sign offline breaks the glass: pagepass break-glass sign.',
  },
  'review-needed': { status: 403, person: 'Your last break-glass pass waits for somebody else’s review.' },
  // Asking for a pass
  'person-unknown': { status: 403, person: 'Your Slack account is not linked to a person Pagepass knows.' },
  'person-inactive': { status: 403, person: 'Your account is not active.' },
  'tier-unknown': { status: 404, person: 'There is no such tier.' },
  'not-eligible': { status: 403, person: 'The rules do not let you ask for this.' },
  'approval-needed': {
    status: 403,
    person: 'This pass was approved as it is. Ask for a new one to go on.',
  },
  'duration-too-long': { status: 400, person: 'A pass of this tier is shorter.' },
  'reason-needed': { status: 400, person: 'This tier needs a reason.' },
  'ticket-needed': { status: 400, person: 'This tier needs a reason that names a ticket, such as CHG-123.' },
  'too-far-ahead': { status: 400, person: 'The rules don’t let you ask for this so far ahead.' },
  'too-many-passes': { status: 429, person: 'You hold as many passes as one person may.' },
  'too-many-services': { status: 400, person: 'These are more services than one pass is asked for.' },
  'approvals-differ': {
    status: 403,
    person: 'Different people have to approve these services. Ask for them apart.',
  },
  'nobody-to-approve': {
    status: 403,
    person: 'This needs an approval, and nobody who may give it is known.',
  },
  'grant-unknown': { status: 404, person: 'There is no such pass, or it has ended.' },
  'not-yours': { status: 403, person: 'This pass is somebody else’s.' },
  'not-of-incident': { status: 400, person: 'Only the pass of an incident is handed over.' },
  'incident-closed': { status: 409, person: 'PagerDuty says that the incident is over.' },
  'nobody-next': { status: 400, person: 'Say to whom: the incident has reached nobody else.' },
  'not-begun': { status: 409, person: 'This pass has not begun yet.' },
  'pass-ending': { status: 409, person: 'The incident let go of this pass, so it is not extended.' },
  'extension-spent': { status: 403, person: 'This pass lasts as long as it may already.' },
  'extension-too-long': { status: 400, person: 'This pass can’t be extended so far.' },
  // A click
  'button-unknown': { status: 404, person: 'This button belongs to nothing that can still be decided.' },
  'already-decided': { status: 409, person: 'This was decided already.' },
  'scope-changed': { status: 409, person: 'This is not what you were shown. Look at it again.' },
  'own-request': { status: 403, person: 'Nobody decides on what they ask for themselves.' },
  'not-approver': { status: 403, person: 'You are not among those who may decide on this.' },
  'team-decided': { status: 403, person: 'Your team has approved this already; another one has to.' },
  // An incident's commander
  'not-commander': { status: 403, person: 'The rules don’t let you add people to an incident.' },
  'beyond-command': { status: 403, person: 'The rules don’t let a commander add people to so high a tier.' },
  'incident-unknown': { status: 404, person: 'PagerDuty knows no such incident.' },
  'sign-in-first': {
    status: 403,
    person:
      'To approve this you sign in anew, and nothing is set up here for that. Ask whoever runs Pagepass.',
  },
  'sign-in-refused': {
    status: 403,
    person: 'This is not the sign-in that this takes. Begin again.',
  },
  // A lock
  'not-locker': { status: 403, person: 'The rules don’t let you lock people out, or let them in again.' },
  'not-locked': { status: 409, person: 'They are not locked out.' },
  'store-unavailable': { status: 503, person: 'Passes can’t be changed right now.' },
  // A page
  'page-unmapped': { status: 403, person: 'The paged person is not in Pagepass’s directory.' },
  'page-no-rule': { status: 403, person: 'No rule gives the paged person a pass.' },
  'page-again': { status: 403, person: 'The pass of this incident has ended already.' },
  'page-by-self': { status: 403, person: 'The paged person set off this incident.' },
  'page-untrusted': { status: 403, person: 'What set off this incident is not among the trusted triggers.' },
  'page-needs-approval': { status: 403, person: 'The page’s tier needs an approval on this service.' },
  'page-by-hand-over': {
    status: 403,
    person: 'It comes by a hand over, and the incident is not assigned to whom it is for.',
  },
  'page-by-override': {
    status: 403,
    person: 'The person on call came by an override of the schedule, or nobody can tell that they did not.',
  },
  'page-unconfirmed': {
    status: 403,
    person: 'PagerDuty has not confirmed this pass’s incident for 15 minutes, so it only lets you look.',
  },
  'page-late': { status: 403, person: 'This page was heard of late.' },
  'page-too-often': {
    status: 403,
    person: 'Pages have given this person as many passes in 24 hours as they may.',
  },
} as const

export type Reason = keyof typeof reasons
