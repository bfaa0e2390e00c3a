import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureRedis } from '#infra/sandbox/redis/ensure-redis.ts'
import { type PartName, partNames, prepareFolder, readyUrl, startPart } from '#infra/sandbox/stack.ts'
import type { StartedProcess } from '#infra/sandbox/start/processes.ts'
import { waitReady } from '#infra/sandbox/start/ready.ts'
import { createWorld } from '#infra/sandbox/world.ts'
import { freePorts } from './free-ports.ts'

/**
 * A whole Pagepass for a proof or a journey: bot, workers and proxy as real processes on a real Redis, and the
 * stand-ins in this process, so that what the upstream saw is at hand.
 */
export const startStack = async (say: (line: string) => void = () => undefined) => {
  const folder = await mkdtemp(join(tmpdir(), 'pagepass-stack-'))
  const ports = await freePorts()
  const redis = await ensureRedis({ folder: join(folder, 'redis'), port: ports.redis, say })
  const prepared = await prepareFolder(folder, ports)
  const { secrets } = prepared
  const world = await createWorld({
    ports,
    slackBotToken: secrets.slackBotToken,
    slackSigningSecret: secrets.slackSigningSecret,
    pagerdutyToken: secrets.pagerdutyToken,
    pagerdutyWebhookSecret: secrets.pagerdutyWebhookSecret,
    stateFolder: join(folder, 'sandbox'),
    botUrl: `http://127.0.0.1:${ports.bot}`,
  })
  const parts = new Map<PartName, StartedProcess>()
  const start = async (name: PartName): Promise<void> => {
    const part = await startPart(name, prepared, redis.url)
    parts.set(name, part)
    await waitReady(readyUrl(name, ports), { process: part })
  }
  await Promise.all(partNames.map(start))

  return {
    folder,
    ports,
    secrets,
    world,
    redisUrl: redis.url,
    auditFile: join(folder, 'audit', 'proxy-sandbox.jsonl'),
    log: (name: PartName): string => parts.get(name)?.logTail(40) ?? '',
    start,
    stopPart: async (name: PartName): Promise<void> => {
      await parts.get(name)?.stop()
      parts.delete(name)
    },
    stop: async (): Promise<void> => {
      await Promise.all([...parts.values()].map((part) => part.stop()))
      await world.close()
      await redis.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
export type Stack = Awaited<ReturnType<typeof startStack>>
