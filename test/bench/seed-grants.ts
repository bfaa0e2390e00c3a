import { createPrivateKey, sign } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { names } from '#access/adapters/redis/names.ts'
import type { Grant } from '#access/domain/grant.ts'

/** WebCrypto, by which the product signs, takes three times as long per signature. */
const signing = promisify(sign)
const batch = 1_000

const privateKey = z.object({
  kty: z.string(),
  crv: z.string(),
  x: z.string(),
  d: z.string(),
  kid: z.string(),
})

/**
 * Puts many grants into an empty Redis as the store's script would leave them, each signed: 100,000 in seconds, where one
 * write after the other takes half a minute. Nobody may follow this Redis yet. `keyFolder` is that of the bot.
 */
export const seedGrants = async (
  redis: Redis,
  keyFolder: string,
  grants: readonly Grant[],
): Promise<void> => {
  const file = join(keyFolder, 'issue.private.json')
  const { kid, ...jwk } = privateKey.parse(JSON.parse(await readFile(file, 'utf8')))
  const key = createPrivateKey({ format: 'jwk', key: jwk })
  const header = base64url({ alg: 'EdDSA', typ: 'pagepass-grant+jws', kid })
  const signed = async (grant: Grant): Promise<string> => {
    const words = `${header}.${base64url(grant)}`
    return `${words}.${(await signing(null, Buffer.from(words), key)).toString('base64url')}`
  }
  for (let from = 0; from < grants.length; from += batch) {
    const some = grants.slice(from, from + batch)
    const statements = await Promise.all(some.map(signed))
    await redis
      .multi()
      .hset(names.live, ...some.flatMap(({ id }, index) => [id, statements[index] ?? '']))
      .hset(
        names.versions,
        ...some.flatMap(({ id, version }, index) => [id, `${version} ${from + index + 1} seed`]),
      )
      .set(names.sequence, from + some.length)
      .exec()
  }
}

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
