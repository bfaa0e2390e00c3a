import { writeFile } from 'node:fs/promises'
import { z } from 'zod'
import type { Inspector } from './inspector.ts'

const shape = z.looseObject({
  nodes: z.array(
    z.looseObject({
      id: z.number(),
      callFrame: z.looseObject({ functionName: z.string(), url: z.string(), lineNumber: z.number() }),
    }),
  ),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
})
export type Profile = z.output<typeof shape>

/** A CPU profile of what a process does while `work` is under way, as DevTools opens it; kept in a file. */
export const profileWhile = async (
  inspector: Inspector,
  work: () => Promise<unknown>,
  file: string,
): Promise<Profile> => {
  await inspector.ask('Profiler.enable')
  await inspector.ask('Profiler.setSamplingInterval', { interval: 200 })
  await inspector.ask('Profiler.start')
  await work()
  const { profile } = z.object({ profile: shape }).parse(await inspector.ask('Profiler.stop'))
  await writeFile(file, JSON.stringify(profile))
  return profile
}

/** The functions that took the most time themselves, as shares of the time that the process was not idle. */
export const topSelf = (
  { nodes, samples, timeDeltas }: Profile,
  count: number,
): readonly { readonly share: number; readonly where: string }[] => {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'} ${url === '' ? '' : `${url.replace(/^.*\/(?=(node_modules|proxy|access)\/)/, '')}:${lineNumber + 1}`}`.trim(),
    ]),
  )
  const took = new Map<string, number>()
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? ''
    if (name !== '(idle)') took.set(name, (took.get(name) ?? 0) + (timeDeltas[index] ?? 0))
  }
  const whole = [...took.values()].reduce((sum, time) => sum + time, 0)
  return [...took]
    .map(([where, time]) => ({ share: time / whole, where }))
    .sort((one, other) => other.share - one.share)
    .slice(0, count)
}
