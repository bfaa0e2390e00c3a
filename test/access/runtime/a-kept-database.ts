import { followView } from '#access/adapters/redis/follow-view.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { createView } from '#access/domain/view.ts'
import { keepGrants } from '#access/runtime/keep-grants.ts'
import { freshDatabase, freshKeys, frozenClock, keptAlarms, noon, until } from '../../builders.ts'

/** Bots, workers and a proxy's view on one Redis database, emptied by `startOver`. The clock stands still until it is set. */
export const aKeptDatabase = async (redisUrl: string, number: number) => {
  const database = await freshDatabase(redisUrl, number)
  const keys = await freshKeys()
  const clock = frozenClock()
  const stops: (() => Promise<unknown>)[] = []

  const startKeeping = async (part: 'bot' | 'workers' = 'bot', instance = `${part}-a`) => {
    const alarms = keptAlarms()
    const kept = await keepGrants({
      prompt: database.redis,
      patient: database.connect(),
      keys: keys[part],
      clock,
      instance,
      alarm: alarms.alarm,
    })
    stops.push(kept.stop)
    await until(() => kept.waitingFor().length === 0, 'it is in step')
    return { ...kept, alarms: alarms.all }
  }

  /** A view as a proxy keeps it, in step, that proves what it is given. */
  const startProxyView = async () => {
    const view = createView()
    const alarms = keptAlarms()
    const versions: number[] = []
    const withheld: string[] = []
    const [prompt, patient] = [database.connect(), database.connect()]
    const follower = followView(
      { prompt, patient, view, statements: createStatements(keys.proxy), clock, heads: 'demanded' },
      {
        alarm: alarms.alarm,
        given: (held) => void follower.prove(held),
        withheld: (held) => void withheld.push(held.grant.id),
        lockLost: () => alarms.alarm('Redis lost who is locked out'),
        synced: () => void versions.push(...[...view.all()].map(({ grant }) => grant.version)),
      },
    )
    stops.push(follower.stop)
    await until(view.ready, 'the proxy to be in step')
    return { view, follower, alarms: alarms.all, versions, withheld }
  }

  /** What Redis holds now; call the answer to have it hold that again, as after a failover that loses writes. */
  const remember = async () => {
    const keep = [
      names.live,
      names.versions,
      names.events,
      names.sequence,
      names.locks,
      names.ended,
      names.epoch,
      names.heads,
    ]
    const before = new Map<string, Buffer>()
    for (const key of keep) {
      const dump = await database.redis.dumpBuffer(key)
      if (dump !== null) before.set(key, dump)
    }
    return async (): Promise<void> => {
      const all = database.redis.multi().del(...keep)
      for (const [key, dump] of before) all.restore(key, 0, dump)
      await all.exec()
    }
  }

  return {
    redis: database.redis,
    keys,
    clock,
    startKeeping,
    startProxyView,
    remember,
    startOver: async (): Promise<void> => {
      await database.redis.flushdb()
      clock.set(noon)
    },
    /** Stops what a test started. */
    stopAll: async (): Promise<void> => {
      for (const stop of stops.splice(0)) await stop()
    },
    close: database.close,
  }
}
export type KeptDatabase = Awaited<ReturnType<typeof aKeptDatabase>>
