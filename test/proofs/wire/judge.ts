import {
  claimsOf,
  decidedBy,
  disagreements,
  identityFaults,
  identityMisread,
  type Ours,
} from '../../builders/agreement.ts'
import type { AuditRecord } from '../../builders/proxy.ts'
import { type Received, valuesOf } from '../../builders/upstream.ts'
import { type OnWire, splitRequests } from './split.ts'

/** What there is of one connection of a client. */
export type Heard = {
  /** The address that no other client has. */
  readonly client: string
  readonly sent: string
  /** Its records, in order. */
  readonly records: readonly AuditRecord[]
  /** id → how that request ended. */
  readonly outcomes: ReadonlyMap<unknown, AuditRecord>
  /** What the server read, in order. */
  readonly seen: readonly Received[]
  /** The same as it stood on the wire to the server. */
  readonly wire: readonly OnWire[]
}

/**
 * What the server and the wire to it show of this connection is what was admitted, each request once and in order, and
 * all of it where it was answered; each is read as it was decided, and carries our identity headers.
 */
export const judge = (heard: Heard, ours: Ours): string[] => {
  const { client, sent, outcomes, seen, wire } = heard
  const endOf = ({ id }: AuditRecord): AuditRecord | undefined => outcomes.get(id)
  // What was refused after all, as on a disk that stalls, must not have been sent.
  const admitted = heard.records.filter(
    (one) => one.kind === 'admitted' && endOf(one)?.['outcome'] !== 'refused',
  )
  const read = seen.map((one) => nameOf(claimsOf(assertionOf(one)), one.method, one.target))
  const written = wire.map((one) => nameOf(claimsOf(headerOf(one)), one.method, one.target))
  const decided = admitted.map((one) => `${String(one['who']).split(' ')[1]} ${one['method']} ${one['path']}`)
  const done = new Set(admitted.flatMap((one, index) => (endOf(one)?.['outcome'] === 'done' ? [index] : [])))
  const byName = decided
    .map((one, index) => [one, done.has(index)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const wireDone = new Set(byName.flatMap(([, isDone], index) => (isDone ? [index] : [])))
  const failed = admitted.filter((one) => {
    const end = endOf(one)
    return end === undefined || end['outcome'] === 'failed' || Number(end['status']) >= 400
  })
  const faults = [
    ...failed.map((one) => `the server did not take ${one['path']}: ${JSON.stringify(endOf(one))}`),
    ...alike('the server read', read, decided, done),
    // The wire is several connections, whose order is not known.
    ...alike(
      'the wire held',
      written.sort(),
      byName.map(([one]) => one),
      wireDone,
    ),
  ]
  const said = splitRequests(sent).requests
  for (const one of seen) {
    // A change can give two requests one name: then one of them it is.
    const path = one.target.split('?')[0]
    faults.push(
      ...fewestFaults(
        admitted.filter((record) => record['path'] === path),
        (record) => disagreements(one, decidedBy(record)),
      ),
      ...fewestFaults(
        said.filter(({ method, target }) => method === one.method && target === one.target),
        (itself) => otherThanSaid(one, itself),
      ),
      ...identityFaults(one, ours),
      ...identityMisread(one),
    )
    if (!sent.includes(` ${one.target} `)) faults.push(`nobody sent ${one.target}`)
  }
  return faults.map((fault) => `${client}: ${fault}`)
}

const fewestFaults = <T>(candidates: readonly T[], faultsOf: (one: T) => string[]): string[] =>
  candidates.map(faultsOf).sort((a, b) => a.length - b.length)[0] ?? []

/** What a request is not that was read strictly from what the client sent: its person and its whole body. */
const otherThanSaid = (seen: Received, said: OnWire): string[] => {
  const faults: string[] = []
  if (seen.complete && said.body !== undefined && seen.body !== said.body)
    faults.push(
      `the body of ${seen.target} was ${JSON.stringify(seen.body)}, not ${JSON.stringify(said.body)}`,
    )
  const credentials = said.headers.filter(([name]) => /authorization$/.test(name))
  const [subject, sender] = [assertionOf(seen), credentials[0]?.[1] ?? ''].map(
    (token) => claimsOf(token)['sub'],
  )
  if (credentials.length === 1 && subject !== sender)
    faults.push(`${seen.target} was asked for by ${sender}, and the server was told ${subject}`)
  return faults
}

const assertionOf = (one: Received): string => valuesOf(one, 'x-pagepass-assertion')[0] ?? ''
const headerOf = ({ headers }: OnWire): string =>
  headers.find(([name]) => name === 'x-pagepass-assertion')?.[1] ?? ''
const nameOf = (claims: Readonly<Record<string, unknown>>, method: string, target: string): string =>
  `${claims['sub']} ${method} ${target.split('?')[0]}`

/** These are the decided ones in their order, of which only some that were not done may be missing. */
const alike = (
  what: string,
  names: readonly string[],
  decided: readonly string[],
  done: ReadonlySet<number>,
): string[] => {
  const fits = (at: number, next: number): boolean =>
    at === decided.length
      ? next === names.length
      : (names[next] === decided[at] && fits(at + 1, next + 1)) || (!done.has(at) && fits(at + 1, next))
  return fits(0, 0)
    ? []
    : [`${what} ${JSON.stringify(names)}, admitted were ${JSON.stringify(decided)}, done ${[...done]}`]
}
