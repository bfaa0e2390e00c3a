/**
 * One line of the audit. Version 1. Times are milliseconds. Headers, bodies and query values are never recorded. `rules` is the
 * rules hash by which the process that wrote it decides.
 * - `admitted` stands before the first byte goes upstream, `closed` after the last. Each `admitted` has one `closed`.
 *   Of a call to the outside, `service` is the origin that was called, `tier` is the rule, and there is no `release`.
 * - `continued` stands between the two when what is open goes on under another grant, or another version of its own:
 *   the one it names admits it from there on.
 * - `refused` is what was not forwarded, or not allowed to a front proxy. A `front` says that one asked, and how.
 * - `decided` stands before a front proxy hears that it may forward. What then happened is not known here. A `refused` with
 *   the same id behind it: the pass ended meanwhile, and the front proxy heard that instead.
 * - `step` is a change of a grant: the signed statement itself, by its stream id.
 * - `unfit` is a job that was refused, because it says nothing that can be done. It is kept beside, as it came.
 * - `break-glass` stands before the first admission by a pass that was signed offline: what it says, whose keys signed it
 *   (`keys`), and the pass itself. Admissions by it name the keys too.
 * - `opened` begins what one process wrote.
 */
export type AuditRecord =
  | {
      readonly kind: 'opened'
      readonly at: number
      readonly origin: string
      readonly rules: string
      readonly torn: boolean
    }
  | {
      readonly kind: 'refused'
      readonly at: number
      readonly id: string
      readonly reason: string
      readonly status: number
      readonly client: string
      readonly method: string
      readonly host: string
      readonly path: string
      readonly who?: string
      readonly grant?: string
      readonly front?: string
      readonly rules: string
    }
  | ({
      readonly kind: 'decided'
      /** In whose words it was asked: `nginx`, `forward-auth` or `envoy`. */
      readonly front: string
    } & Admission &
      Omit<AdmissionTerms, 'release'>)
  | {
      readonly kind: 'continued'
      readonly at: number
      readonly id: string
      readonly grant: string
      readonly version: number
      readonly rules: string
    }
  | {
      readonly kind: 'break-glass'
      readonly at: number
      readonly grant: string
      readonly who: string
      readonly services: readonly string[]
      readonly tier: string
      readonly from: number
      readonly until: number
      readonly because: string
      readonly keys: readonly string[]
      readonly statement: string
      readonly rules: string
    }
  | {
      readonly kind: 'step'
      readonly at: number
      readonly event: string
      readonly step: string
      readonly grant: string
      readonly statement: string
      readonly rules: string
    }
  | {
      readonly kind: 'unfit'
      readonly at: number
      readonly queue: string
      readonly job: string
      readonly why: string
      readonly rules: string
    }

/** What is the same for every request under one grant, service and pattern. */
export type AdmissionTerms = {
  readonly who: string
  readonly service: string
  readonly release: string
  readonly tier: string
  readonly pattern: string
  readonly grant: string
  readonly version: number
  /** The names of the keys that signed the break-glass pass. */
  readonly breakGlass?: readonly string[]
  readonly rules: string
}

/** What is of one request. */
export type Admission = {
  readonly at: number
  readonly id: string
  readonly method: string
  readonly path: string
  /** Of what was `decided`, as the front proxy tells it; empty where it doesn't. */
  readonly client: string
  /** Milliseconds, or endless before the first head: JSON has no such number, and the line says null. */
  readonly viewAge: number
}

const longestField = 2_048

/** What a client chose, kept to a size that can't fill the log. */
export const clip = (text: string): string =>
  text.length > longestField ? `${text.slice(0, longestField)}… (${text.length} characters)` : text

/** A line for the log: JSON on one line, without characters that some viewers take for line breaks. */
export const auditLine = (record: AuditRecord): string => `${oneLine({ v: 1, ...record })}\n`

const oneLine = (value: object | string): string =>
  JSON.stringify(value).replaceAll(/[\u2028\u2029\u007f-\u009f]/g, escaped)

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** The part of an `admitted` line that is made once per grant, service and pattern. */
export const admissionTerms = (terms: AdmissionTerms): string => oneLine(terms).slice(1)

/**
 * The line of an admission, built by hand: it is written for every request. What is not quoted by `oneLine` holds no
 * character that JSON escapes: ids by their grammar, method and path because they are canonical.
 */
export const admittedLine = (it: Admission, terms: string): string =>
  `{"v":1,"kind":"admitted","at":${it.at},"id":"${it.id}","method":"${it.method}","path":"${it.path}"` +
  `,"client":"${it.client}","viewAge":${Number.isFinite(it.viewAge) ? it.viewAge : null},${terms}\n`

export const closedLine = (it: {
  at: number
  id: string
  outcome: string
  status: number
  bytes: number
  ms: number
  rules: string
}): string =>
  `{"v":1,"kind":"closed","at":${it.at},"id":"${it.id}","outcome":"${it.outcome}","status":${it.status},"bytes":${it.bytes},"ms":${it.ms},"rules":"${it.rules}"}\n`
