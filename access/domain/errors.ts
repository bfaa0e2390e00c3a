/** Every fault has a code (what callers and tests compare), what happened, and how to mend it. */
export const faultCodes = {
  'config/invalid': 'the environment variables of a process are missing or wrong',
  'rules/invalid': 'the rule set has faults; each is named with its line',
  'rules/unreadable': 'the rule set file could not be read',
  'rules/unsealed': 'nobody has sealed the rule set, and production takes no other',
  'rules/seal-invalid': 'the seal is not of this rule set, not of somebody who may seal, or of its author',
  'rules/author-unknown': 'nobody says who wrote the rule set, so nobody is known to be another',
  'directory/invalid': 'the directory has faults or its signature does not hold',
  'keys/missing': 'a key that is needed is not where it should be, or is no key',
  'keys/name-invalid': 'a key can have no such name',
  'keys/revoked': 'the key that this would be signed with was revoked',
  'keys/forbidden': 'this process was handed a private key that its role must not hold',
  'statement/invalid': 'a signed statement does not verify or does not parse',
  'break-glass/invalid': 'a break-glass pass can’t be made, read or signed like this',
  'store/unreachable': 'Redis did not answer in time, or did not take a write',
  'store/conflict': 'the grant changed meanwhile; load it again and decide again',
  'store/unsafe': 'Redis is configured so that grants could be lost',
  'pagerduty/failed': 'the PagerDuty API did not give a usable answer',
  'slack/failed': 'the Slack API refused a call',
  'audit/failed': 'the audit log could not be written',
  'listen/failed': 'an address could not be listened on',
  'proxy/not-serving': 'a process that was to serve requests did not begin, or did not stop in order',
  'file/unwritable': 'a file that a command makes could not be written',
} as const

export type FaultCode = keyof typeof faultCodes

/** A fault: something that should not have happened. Refusals are values, not faults (`reasons.ts`). */
export class Fault extends Error {
  readonly code: FaultCode
  /** What a person can do about it. */
  readonly mend: string | undefined

  constructor(code: FaultCode, message: string, options: { mend?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Fault'
    this.code = code
    this.mend = options.mend
  }
}

export const isFault = (error: unknown, code?: FaultCode): error is Fault =>
  error instanceof Fault && (code === undefined || error.code === code)
