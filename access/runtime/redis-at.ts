import { readFile } from 'node:fs/promises'
import type { RedisAt } from '../adapters/redis/connect.ts'
import { Fault } from '../domain/errors.ts'

export type RedisSettings = {
  readonly REDIS_URL: string
  readonly REDIS_CA?: string | undefined
  readonly REDIS_SENTINEL_PASSWORD?: string | undefined
}

/** Where Redis is, with its CA read from the file. */
export const redisAt = async (settings: RedisSettings): Promise<RedisAt> => {
  const { REDIS_URL: url, REDIS_CA: file, REDIS_SENTINEL_PASSWORD: sentinelPassword } = settings
  return { url, sentinelPassword, ca: file === undefined ? undefined : await readCa(file) }
}

const readCa = async (file: string): Promise<string> => {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => error)
  if (text instanceof Error)
    throw new Fault('config/invalid', `REDIS_CA: ${file} can’t be read (${text.code})`, { cause: text })
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new Fault('config/invalid', `REDIS_CA: ${file} holds no certificate in PEM`)
  return text
}
