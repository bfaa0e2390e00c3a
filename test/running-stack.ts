import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureRedis } from '#infra/sandbox/redis/ensure-redis.ts'
import type { RunningRedis } from '#infra/sandbox/redis/start-redis.ts'
import { type PartName, partNames, prepareFolder, readyUrl, startPart } from '#infra/sandbox/stack.ts'
import type { StartedProcess } from '#infra/sandbox/start/processes.ts'
import { waitReady } from '#infra/sandbox/start/ready.ts'
import { createWorld } from '#infra/sandbox/world.ts'
import { freePorts } from './free-ports.ts'

/** What can be killed. */
export const victimNames = [...partNames, 'redis'] as const
export type VictimName = (typeof victimNames)[number]

const readyWithinMs = 90_000

/**
 * A whole Pagepass for a proof or a journey: bot, workers and proxy as real processes on a real Redis, and the
 * stand-ins in this process, so that what the upstream saw is at hand.
 */
export const startStack = async (
  say: (line: string) => void = () => undefined,
  /** What a part's environment says besides, such as another Redis. */
  more: (part: PartName) => NodeJS.ProcessEnv = () => ({}),
) => {
  const folder = await mkdtemp(join(tmpdir(), 'pagepass-stack-'))
  const ports = await freePorts()
  const redisAt = { folder: join(folder, 'redis'), port: ports.redis, say }
  let redis = await ensureRedis(redisAt)
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
  /** Process ids are used again: what has ended is not killed any more. */
  const ended = new WeakSet<StartedProcess | RunningRedis>()
  const watch = <T extends StartedProcess | RunningRedis>(run: T): T => {
    void run.exited.then(() => ended.add(run))
    return run
  }
  watch(redis)

  const start = async (name: PartName, signal?: AbortSignal): Promise<StartedProcess> => {
    const part = watch(await startPart(name, prepared, redis.url, more(name)))
    parts.set(name, part)
    try {
      await waitReady(readyUrl(name, ports), {
        process: part,
        timeoutMs: readyWithinMs,
        ...(signal && { signal }),
      })
    } catch (error) {
      if (signal !== undefined) await part.stop()
      throw error
    }
    return part
  }
  await Promise.all(partNames.map((name) => start(name)))

  const runOf = (name: VictimName): StartedProcess | RunningRedis | undefined =>
    name === 'redis' ? redis : parts.get(name)

  return {
    folder,
    ports,
    secrets,
    world,
    redisUrl: redis.url,
    auditFile: join(folder, 'audit', 'proxy-sandbox.1.jsonl'),
    log: (name: PartName): string => parts.get(name)?.logTail(40) ?? '',
    /** Resolves when it is ready. With a signal: where it does not get ready, it is ended. */
    start,
    /** On the same folder and port, so that every client finds it again with all that it held. */
    startRedis: async (signal?: AbortSignal): Promise<RunningRedis> => {
      redis = watch(await ensureRedis({ ...redisAt, ...(signal && { signal }) }))
      return redis
    },
    /** What runs under this name now, ready or not. */
    run: (name: VictimName): StartedProcess | RunningRedis | undefined => {
      const run = runOf(name)
      return run === undefined || ended.has(run) ? undefined : run
    },
    /** SIGKILL: it gets no chance to do anything more. False when there was nothing to kill. */
    kill: async (name: VictimName): Promise<boolean> => {
      const run = runOf(name)
      if (run === undefined || ended.has(run)) return false
      try {
        process.kill(run.pid, 'SIGKILL')
      } catch {
        return false // it has ended by itself a moment ago
      }
      await run.exited
      return true
    },
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
