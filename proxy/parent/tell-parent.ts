import cluster from 'node:cluster'
import type { Registry } from 'prom-client'
import type { LoadedRules } from '#access/runtime/rules.ts'
import type { Mode } from '../mode.ts'
import { askedShape, type Told } from './messages.ts'

const lookMs = 50

/** A serving process's side of the talk with its parent. */
export const tellParent = (
  { rules, path, hashes }: Pick<LoadedRules, 'rules' | 'path' | 'hashes'>,
  registry: Pick<Registry, 'getMetricsAsJSON'>,
) => {
  // When the parent is gone, Node would end this process at once; it is to stop in order, as on a signal.
  if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true
  const tell = (what: Told): void => {
    if (process.connected) process.send?.(what, undefined, {}, () => undefined)
  }
  const { promise: mayListen, resolve: letListen } = Promise.withResolvers<void>()
  process.on('message', (message) => {
    const { data: asked } = askedShape.safeParse(message)
    if (asked?.kind === 'listen') letListen()
    else if (asked?.kind === 'measure')
      registry.getMetricsAsJSON().then(
        (metrics) => tell({ kind: 'measured', ask: asked.ask, metrics }),
        () => tell({ kind: 'measured', ask: asked.ask }),
      )
  })
  tell({ kind: 'begun', rules: { hash: rules.hash, path, files: new Map(hashes) } })

  return {
    /** Tells what this process waits for and how it gets on, now and whenever that changes. Resolves when it may listen. */
    untilItMayListen: (waitingFor: () => string[], modeNow: () => Mode): Promise<void> => {
      let told: string | undefined
      const look = (): void => {
        const { mode, closed } = modeNow()
        const now = waitingFor()
        const words = [mode, ...closed, ...now].join()
        if (told === words) return
        told = words
        tell({ kind: 'waits', for: now, mode: { mode, closed: [...closed] } })
      }
      look()
      setInterval(look, lookMs).unref()
      return mayListen
    },
    listens: (port: number, authzPort?: number): void => tell({ kind: 'listens', port, authzPort }),
  }
}
