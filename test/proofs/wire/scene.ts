import { createReadStream } from 'node:fs'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import type { Ours } from '../../builders/agreement.ts'
import { type BackEnd, startBackEnd } from '../../builders/back-ends.ts'
import { type AuditRecord, domain, startProxyForTest, until } from '../../builders/proxy.ts'
import { ask } from '../../builders/raw-client.ts'
import { type Received, valuesOf } from '../../builders/upstream.ts'
import { type Heard, judge } from './judge.ts'
import { type OnWire, splitRequests } from './split.ts'

/**
 * A proxy in front of a server of this kind: Ana may operate its service, Cho may observe it, Ben may too, Eve nothing.
 * `judge` compares what the server saw since the last time with what the audit says of each client.
 */
export const startScene = async (redisUrl: string, database: number, backEnd: BackEnd) => {
  const orders = await startBackEnd(backEnd)
  const proxy = await startProxyForTest(redisUrl, database, { orders })
  await proxy.give('ana', { lasts: 7_200_000 })
  await proxy.give('ben', { lasts: 7_200_000 })
  await proxy.give('cho', { lasts: 7_200_000, tier: 'observe' })
  const jwks = await ask(
    proxy.port,
    `GET /.pagepass/jwks.json HTTP/1.1\r\nHost: orders-svc.${domain}\r\n\r\n`,
  )
  const keys = createLocalJWKSet(JSON.parse(jwks.body) as JSONWebKeySet)
  const proven = new Map<string, boolean>()
  let offset = 0

  const good = async (): Promise<boolean> => {
    const answer = await ask(proxy.port, await proxy.request('ana', 'GET', '/v1/good'))
    return answer.status === 200 && answer.body === 'hello /v1/good\n'
  }

  /** Each assertion is for many requests. */
  const prove = async (seen: readonly Received[]): Promise<void> => {
    for (const assertion of new Set(seen.flatMap((one) => valuesOf(one, 'x-pagepass-assertion')))) {
      if (proven.has(assertion)) continue
      const verified = await jwtVerify(assertion, keys, { audience: 'orders-svc' }).catch(() => undefined)
      proven.set(assertion, verified !== undefined)
    }
  }

  /** Once everything is recorded: the lines since the last time. */
  const newRecords = async (): Promise<AuditRecord[]> => {
    const marker = `/marker-${offset}`
    await ask(proxy.port, `GET ${marker} HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n`)
    const records: AuditRecord[] = []
    let rest = ''
    await until(async () => {
      for await (const chunk of createReadStream(proxy.auditFile, { start: offset })) {
        offset += (chunk as Buffer).length
        const lines = (rest + (chunk as Buffer).toString('latin1')).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) records.push(JSON.parse(line) as AuditRecord)
      }
      const of = (kind: string) => records.filter((one) => one.kind === kind)
      const closed = new Set(of('closed').map(({ id }) => id))
      return (
        of('refused').some(({ path }) => path === marker) && of('admitted').every(({ id }) => closed.has(id))
      )
    }, 'everything admitted to be closed')
    offset -= rest.length
    return records
  }

  const oursFor = (client: string): Ours => ({
    forwarded: (value) =>
      value.toLowerCase().startsWith(`for=${client};host=`) && value.endsWith(';proto=http'),
    'x-forwarded-for': (value) => value === client,
    'x-forwarded-host': (value) => value.toLowerCase().replace(/:\d{1,5}$/, '') === `orders-svc.${domain}`,
    'x-forwarded-proto': (value) => value === 'http',
    'x-pagepass-assertion': (value) => proven.get(value) === true,
    host: (value) => value === new URL(orders.url).host,
  })

  return {
    backEnd,
    port: proxy.port,
    request: proxy.request,
    token: proxy.token,
    /** `sent` is what each client sent, by its address. */
    judge: async (sent: ReadonlyMap<string, string>) => {
      const violations: string[] = []
      await until(good, 'the next good request to be answered as ever')
      for (const fault of proxy.faults.splice(0)) violations.push(`a fault: ${String(fault)}`)
      const records = await newRecords()
      const seen = orders.received()
      const wire: OnWire[] = []
      for (const connection of orders.connections()) {
        const { requests, rest } = splitRequests(connection.bytes())
        wire.push(...requests)
        if (rest !== '')
          violations.push(`this on the wire to the server is no request: ${JSON.stringify(rest)}`)
      }
      await prove(seen)

      const outcomes = new Map(records.flatMap((one) => (one.kind === 'closed' ? [[one['id'], one]] : [])))
      const ofClient = Map.groupBy(records, (one) => String(one['client'] ?? ''))
      const seenOf = Map.groupBy(seen, (one) => valuesOf(one, 'x-forwarded-for')[0] ?? '')
      const wireOf = Map.groupBy(
        wire,
        ({ headers }) => headers.find(([name]) => name === 'x-forwarded-for')?.[1] ?? '',
      )
      for (const client of new Set([...sent.keys(), ...seenOf.keys(), ...wireOf.keys()])) {
        // Our own questions, of which some are put while connections are closed on purpose.
        if (client === '127.0.0.1') continue
        const heard: Heard = {
          client,
          sent: sent.get(client) ?? '',
          records: ofClient.get(client) ?? [],
          outcomes,
          seen: seenOf.get(client) ?? [],
          wire: wireOf.get(client) ?? [],
        }
        for (const fault of judge(heard, oursFor(client)))
          violations.push(`${backEnd}, ${fault}\n  it was sent ${JSON.stringify(heard.sent)}`)
      }
      orders.forget()
      // Its connections are gone, which the proxy may hear of a moment later.
      await until(good, 'the server to be reached again')
      return {
        violations,
        admitted: records.filter(({ kind }) => kind === 'admitted').length,
        refused: records.filter(({ kind }) => kind === 'refused').length,
        done: [...outcomes.values()].filter(({ outcome }) => outcome === 'done').length,
      }
    },
    stop: proxy.stop,
  }
}
export type Scene = Awaited<ReturnType<typeof startScene>>
