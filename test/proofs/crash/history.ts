import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { names } from '#access/adapters/redis/names.ts'
import type { Stack } from '../../running-stack.ts'

/** What the judges read of a signed statement: a reading of their own, not the product's. */
const grantBody = z.object({
  id: z.string(),
  version: z.number(),
  state: z.enum(['offered', 'pending', 'active']),
  step: z.string(),
  who: z.object({ subject: z.string(), name: z.string() }),
  services: z.array(z.string()),
  tier: z.string(),
  from: z.number(),
  until: z.number(),
  at: z.number(),
  why: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('page'),
      incident: z.object({ id: z.string(), number: z.number(), title: z.string() }),
    }),
    z.object({ kind: z.literal('request'), reason: z.string().optional() }),
  ]),
})
const endBody = z.object({
  id: z.string(),
  version: z.number(),
  state: z.enum(['ended', 'refused']),
  cause: z.string(),
  at: z.number(),
})
export type GrantBody = z.output<typeof grantBody>
export type EndBody = z.output<typeof endBody>

/** The whole life of one grant, as the stream tells it. */
export type Life = {
  readonly id: string
  /** By version, from 1 on. */
  readonly versions: GrantBody[]
  end?: EndBody
}

export type Event = {
  readonly id: string
  readonly kind: string
  readonly grant: string
  readonly statement: string
}

export type History = {
  readonly events: readonly Event[]
  readonly lives: ReadonlyMap<string, Life>
  /** What does not hold about how the grants are stored. */
  readonly faults: readonly string[]
}

const trustedShape = z.object({
  keys: z.array(
    z.object({ kid: z.string(), role: z.string(), kty: z.string(), crv: z.string(), x: z.string() }),
  ),
})
type Trusted = ReadonlyMap<string, { readonly role: string; readonly key: KeyObject }>

const readTrusted = async ({ folder }: Stack): Promise<Trusted> => {
  const file = await readFile(join(folder, 'keys', 'proxy', 'trusted.json'), 'utf8')
  return new Map(
    trustedShape
      .parse(JSON.parse(file))
      .keys.map(({ kid, role, kty, crv, x }) => [
        kid,
        { role, key: createPublicKey({ key: { kty, crv, x }, format: 'jwk' }) },
      ]),
  )
}

const kindOf = { grant: { role: 'issue', shape: grantBody }, end: { role: 'end', shape: endBody } } as const
const headerShape = z.object({ alg: z.literal('EdDSA'), kid: z.string(), typ: z.string() })

/** The body of a compact JWS whose signature holds (RFC 7515, RFC 8037); undefined when it does not. */
const read = (trusted: Trusted, kind: keyof typeof kindOf, statement: string): unknown => {
  const [header = '', body = '', signature = ''] = statement.split('.')
  const { kid, typ } = headerShape.parse(JSON.parse(Buffer.from(header, 'base64url').toString()))
  const known = trusted.get(kid)
  if (known?.role !== kindOf[kind].role || typ !== `pagepass-${kind}+jws`) return undefined
  const holds = verify(null, Buffer.from(`${header}.${body}`), known.key, Buffer.from(signature, 'base64url'))
  return holds ? JSON.parse(Buffer.from(body, 'base64url').toString()) : undefined
}

/**
 * Reads every event there ever was, and holds what is stored against it: sequence numbers and versions without a gap,
 * nothing after an end, the hashes as the last event left them, every signature.
 */
export const readHistory = async (stack: Stack, redis: Redis): Promise<History> => {
  const trusted = await readTrusted(stack)
  const entries = await redis.xrange(names.events, '-', '+')
  const events = entries.map(([id, [, kind = '', , grant = '', , statement = '']]) => ({
    id,
    kind,
    grant,
    statement,
  }))
  const lives = new Map<string, Life>()
  const faults: string[] = []
  for (const [index, event] of events.entries()) {
    if (event.id !== `${index + 1}-0`) faults.push(`event ${index + 1} has the number ${event.id}`)
    const fault = follow(trusted, lives, event)
    if (fault !== undefined) faults.push(`event ${event.id}, grant ${event.grant}: ${fault}`)
  }
  faults.push(...(await compareStored(redis, events)))
  return { events, lives, faults }
}

const follow = (trusted: Trusted, lives: Map<string, Life>, event: Event): string | undefined => {
  const { kind, grant: id, statement } = event
  if (kind !== 'grant' && kind !== 'end') return `it is of kind ${kind}`
  const body = read(trusted, kind, statement)
  if (body === undefined) return `the signature of this ${kind} does not hold`
  const life: Life = lives.get(id) ?? { id, versions: [] }
  lives.set(id, life)
  const version = kind === 'grant' ? grantBody.parse(body) : endBody.parse(body)
  const expected = life.versions.length + 1
  if (version.id !== id) return `the statement is about ${version.id}`
  if (life.end !== undefined) return `version ${version.version} came after the end`
  if (version.version !== expected) return `version ${version.version} came in place of ${expected}`
  if ('cause' in version) life.end = version
  else life.versions.push(version)
  return undefined
}

/** The hashes must hold exactly what the last event of each grant left there. */
const compareStored = async (redis: Redis, events: readonly Event[]): Promise<string[]> => {
  const [versions, live, ended] = await Promise.all([
    redis.hgetall(names.versions),
    redis.hgetall(names.live),
    redis.hgetall(names.ended),
  ])
  const faults: string[] = []
  const last = new Map(events.map((event) => [event.grant, event]))
  const counts = new Map<string, number>()
  for (const { grant } of events) counts.set(grant, (counts.get(grant) ?? 0) + 1)
  for (const [id, { kind, id: number, statement }] of last) {
    const wanted = `${counts.get(id)} ${number.replace('-0', '')}`
    const stored = versions[id]?.split(' ').slice(0, 2).join(' ')
    if (stored !== wanted) faults.push(`grant ${id} is stored as "${stored}", not "${wanted}"`)
    if (kind === 'grant' && live[id] !== statement) faults.push(`grant ${id} is lost from the live ones`)
    if (kind === 'end' && !ended[id]?.endsWith(` ${statement}`)) faults.push(`the end of ${id} is lost`)
    if (kind === 'end' && live[id] !== undefined) faults.push(`grant ${id} is live after its end`)
  }
  for (const id of Object.keys({ ...versions, ...live, ...ended }))
    if (!last.has(id)) faults.push(`grant ${id} is stored and was never an event`)
  return faults
}
