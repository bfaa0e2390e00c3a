import { z } from 'zod'
import { readRedisUrl } from '../adapters/redis/redis-url.ts'
import { Fault } from '../domain/errors.ts'

/** Reads a process's environment variables, and names every fault in them at once. Empty counts as missing. */
export const readConfig = <T extends z.ZodType>(shape: T, environment: NodeJS.ProcessEnv): z.output<T> => {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = shape.safeParse(set)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path, message, input }) => {
    const name = path.join('.')
    return `${name}: ${input === undefined && set[name] === undefined ? 'is missing' : message}`
  })
  throw new Fault('config/invalid', faults.join('\n'), { mend: 'see .env.example for what each variable is' })
}

/** `host:port` or `:port` (loopback only). Port 0 lets the system choose. */
export const address = z.string().transform((text, context) => {
  const parts = /^(?:(\[[0-9a-f:]+\]|[^\s:/]+))?:(\d{1,5})$/i.exec(text)
  const port = Number(parts?.[2])
  if (parts === null || port > 65_535) {
    context.addIssue({ code: 'custom', message: `"${text}" is not host:port` })
    return z.NEVER
  }
  return { host: (parts[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port }
})
export type Address = z.output<typeof address>

/** A secret, or several separated by commas while one is being replaced. */
export const secrets = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .refine((list) => list.every((one) => one.length >= 16), 'each secret needs at least 16 characters')

const loopback = new Set(['127.0.0.1', 'localhost', '::1', '[::1]'])
export const isLoopback = (host: string): boolean => loopback.has(host)

/** What every process reads. No `PAGEPASS_MODE` means production. */
export const commonShape = {
  PAGEPASS_MODE: z.enum(['production', 'sandbox']).default('production'),
  PAGEPASS_RULES: z.string().default('access.yaml'),
  /** Who may seal the rule set. */
  PAGEPASS_RULES_KEYS: z.string().optional(),
  PAGEPASS_KEYS: z.string(),
  PAGEPASS_DATA_DIR: z.string(),
  PAGEPASS_INSTANCE: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, 'use lower-case letters, digits, dots and dashes'),
  PAGEPASS_ADMIN_LISTEN: address,
  PAGEPASS_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** One variable names a Redis, the Sentinels that watch one, or a Cluster: `adapters/redis/redis-url.ts`. */
  REDIS_URL: z.string().refine((text) => readRedisUrl(text) !== undefined, 'names no Redis'),
  /** A PEM file: who signs the certificates of Redis. For Redis alone, so that Slack's are still Slack's. */
  REDIS_CA: z.string().optional(),
  /** Of the Sentinels. */
  REDIS_SENTINEL_PASSWORD: z.string().optional(),
  /** How many replicas must have a revocation before it is acknowledged. */
  REDIS_REPLICAS: z.string().regex(/^\d$/, 'use a number from 0 to 9').transform(Number).optional(),
}

type Common = z.output<z.ZodObject<typeof commonShape>>

/**
 * Refuses what is too weak for production, and in the sandbox refuses whatever is not loopback, so that neither
 * can be mistaken for the other. `vendors` are the API addresses with the hosts they may have in production.
 */
export const checkMode = (
  config: Common,
  listens: Readonly<Record<string, Address>>,
  vendors: Readonly<Record<string, { readonly url: string; readonly hosts: readonly string[] | 'any' }>> = {},
): void => {
  const faults: string[] = []
  const redis = readRedisUrl(config.REDIS_URL)
  const redisIsHere = redis?.nodes.every(({ host }) => isLoopback(host)) === true
  if (config.PAGEPASS_MODE === 'sandbox') {
    for (const [name, { host }] of Object.entries({
      ...listens,
      PAGEPASS_ADMIN_LISTEN: config.PAGEPASS_ADMIN_LISTEN,
    })) {
      if (!isLoopback(host)) faults.push(`${name}: the sandbox listens on loopback only`)
    }
    for (const [name, { url }] of Object.entries(vendors)) {
      if (!isLoopback(new URL(url).hostname)) faults.push(`${name}: the sandbox talks to loopback only`)
    }
    if (!redisIsHere) faults.push('REDIS_URL: the sandbox uses a Redis on loopback only')
  } else {
    if (config.PAGEPASS_RULES_KEYS === undefined)
      faults.push('PAGEPASS_RULES_KEYS: production needs to know who may seal the rule set')
    if (redis?.options === true) faults.push('REDIS_URL: options in a query are not taken in production')
    if (redis?.password === undefined) faults.push('REDIS_URL: production needs a Redis with a password')
    if (redis?.kind === 'sentinel' && config.REDIS_SENTINEL_PASSWORD === undefined)
      faults.push('REDIS_SENTINEL_PASSWORD: production needs Sentinels with a password')
    if (redis?.tls !== true && !redisIsHere) faults.push('REDIS_URL: production needs TLS (rediss://)')
    for (const [name, { url, hosts }] of Object.entries(vendors)) {
      const { protocol, hostname } = new URL(url)
      if (protocol !== 'https:') faults.push(`${name}: production needs https`)
      if (hosts !== 'any' && !hosts.includes(hostname))
        faults.push(`${name}: must be one of ${hosts.join(', ')}`)
    }
  }
  if (config.REDIS_CA !== undefined && redis?.tls === false)
    faults.push('REDIS_CA: does nothing without TLS (rediss://)')
  if (config.REDIS_SENTINEL_PASSWORD !== undefined && redis?.kind !== 'sentinel')
    faults.push('REDIS_SENTINEL_PASSWORD: does nothing without Sentinels (rediss+sentinel://)')
  if (faults.length > 0) throw new Fault('config/invalid', faults.join('\n'))
}
