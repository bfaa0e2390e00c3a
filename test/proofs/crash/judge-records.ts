import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Stack } from '../../running-stack.ts'
import type { History } from './history.ts'
import type { Ledger } from './ledger.ts'
import type { Seen } from './requests.ts'

const shape = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('opened'), torn: z.boolean() }),
  z.object({
    kind: z.literal('admitted'),
    at: z.number(),
    id: z.string(),
    method: z.string(),
    path: z.string(),
    service: z.string(),
    who: z.string(),
    grant: z.string(),
    version: z.number(),
  }),
  z.object({ kind: z.literal('continued') }),
  z.object({ kind: z.literal('closed') }),
  z.object({ kind: z.literal('refused') }),
  z.object({ kind: z.literal('step'), event: z.string(), statement: z.string() }),
])
type LogRecord = z.output<typeof shape>
type Admitted = Extract<LogRecord, { kind: 'admitted' }>

/** The records of one log over all restarts. A line may be torn where a process was killed, and only there. */
const readLog = async (stack: Stack, name: string, { violated }: Ledger): Promise<LogRecord[]> => {
  const text = await readFile(join(stack.folder, 'audit', `${name}.jsonl`), 'utf8')
  const records: LogRecord[] = []
  let torn = false
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue
    let record: unknown
    try {
      record = JSON.parse(line)
    } catch {
      torn = true
      continue
    }
    const parsed = shape.parse(record)
    if (torn && !(parsed.kind === 'opened' && parsed.torn))
      violated(`line ${index} of the log of ${name} is torn, and no restart came after it`)
    torn = false
    records.push(parsed)
  }
  return records
}

const keyOf = ({ service, method, path }: Pick<Admitted, 'service' | 'method' | 'path'>): string =>
  `${method} ${path} of ${service}`

/**
 * Every request that an upstream saw was recorded before, under a grant that held then; every event is in the workers'
 * log.
 */
export const judgeRecords = async (
  stack: Stack,
  history: History,
  seen: readonly Seen[],
  ledger: Ledger,
): Promise<{
  readonly admitted: number
  readonly events_recorded_twice: number
  /** A proxy that is cut off from Redis, because one of both was killed, learns of an end when it is back. */
  readonly admitted_after_end_max_ms: number
}> => {
  const admitted = (await readLog(stack, 'proxy-sandbox.1', ledger)).filter(
    (record) => record.kind === 'admitted',
  )
  judgeSeen(admitted, seen, ledger)
  judgeAdmitted(admitted, history, ledger)
  const steps = (await readLog(stack, 'workers-sandbox', ledger)).filter((record) => record.kind === 'step')
  const recorded = new Map(steps.map(({ event, statement }) => [event, statement]))
  for (const { id, statement, grant } of history.events)
    if (recorded.get(id) !== statement)
      ledger.violated(`event ${id} of grant ${grant} is not in the workers' audit log`)
  const afterEnd = admitted.map(({ at, grant }) => at - (history.lives.get(grant)?.end?.at ?? at))
  return {
    admitted: admitted.length,
    events_recorded_twice: steps.length - recorded.size,
    admitted_after_end_max_ms: afterEnd.reduce((most, one) => Math.max(most, one), 0),
  }
}

/** The clocks of two processes of one machine. */
const skewMs = 1

/** Streams share one path: each takes the latest record from before it. */
const judgeSeen = (admitted: readonly Admitted[], seen: readonly Seen[], { violated }: Ledger): void => {
  const left = Map.groupBy(admitted, keyOf)
  for (const it of seen) {
    const records = left.get(keyOf(it)) ?? []
    const index = records.findLastIndex(({ at }) => at <= it.at + skewMs)
    if (index === -1) violated(`no admit record from before: ${keyOf(it)}, seen by the upstream at ${it.at}`)
    else records.splice(index, 1)
  }
}

const judgeAdmitted = (admitted: readonly Admitted[], { lives }: History, ledger: Ledger): void => {
  const revoked = new Map(
    ledger.promised.flatMap((it) =>
      it.kind === 'revoked' && it.confirmed ? [[it.pass, it.at] as const] : [],
    ),
  )
  for (const it of admitted) {
    const version = lives.get(it.grant)?.versions[it.version - 1]
    const what = `${it.id}, ${keyOf(it)}, at ${it.at} by version ${it.version} of ${it.grant}`
    if (version === undefined) ledger.violated(`lost: ${what} was used and is nowhere`)
    else if (version.state !== 'active') ledger.violated(`admitted: ${what}, which was ${version.state}`)
    else if (it.at < version.from || it.at >= version.until)
      ledger.violated(`admitted: ${what}, which held from ${version.from} until ${version.until}`)
    else if (!version.services.includes(it.service) || !it.who.includes(version.who.subject))
      ledger.violated(`admitted: ${what}, which is ${version.who.name}'s for ${version.services.join(' ')}`)
    if (it.at > (revoked.get(it.grant) ?? Number.POSITIVE_INFINITY))
      ledger.violated(`admitted: ${what}, revoked and confirmed at ${revoked.get(it.grant)}`)
  }
}
