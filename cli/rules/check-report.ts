import type { RuleSetFault } from '#access/rules/rule-file.ts'
import type { RuleSetWarning } from '#access/rules/warn.ts'
import { placeText } from '#access/runtime/rules.ts'
import { counted, jsonLines, painter } from '../print.ts'

export type Level = 'fault' | 'warning' | 'note'

/** One line about one place; what is odd has a `kind`, a fault has none. */
export type Found = RuleSetFault & { readonly level: Level; readonly kind?: RuleSetWarning['kind'] }

/** What is to be said of one rule set: of a folder, of each of its environments. */
export type Checked = {
  readonly path: string
  readonly found: readonly Found[]
  /** Its hash, and what it holds in a few words; undefined where it has faults. */
  readonly sound: { readonly hash: string; readonly holds: string } | undefined
}

export const countOf = (found: readonly Found[], level: Level): number =>
  found.filter((one) => one.level === level).length

const styles = { fault: 'red', warning: 'yellow', note: 'dim' } as const

/** A line for each finding, `file:line:column what`, and one for each rule set. */
export const textOf = (checked: readonly Checked[], colours: boolean): string => {
  const paint = painter(colours)
  const lines = foundIn(checked).map((found) => {
    const { level, what } = found
    return `${placeText(found)} ${paint(styles[level], level === 'fault' ? what : `${level}: ${what}`)}`
  })
  return [...lines, ...checked.map(summaryOf)].map((line) => `${line}\n`).join('')
}

const summaryOf = ({ path, found, sound }: Checked): string => {
  if (sound === undefined) return `${path} has ${counted(countOf(found, 'fault'), 'fault')}`
  const odd = (['warning', 'note'] as const).flatMap((level) => {
    const count = countOf(found, level)
    return count === 0 ? [] : [counted(count, level)]
  })
  return `${path} is sound: ${[sound.holds, ...odd, `rules hash ${sound.hash}`].join(', ')}`
}

/** The same as JSON, one object a line. */
export const jsonOf = (checked: readonly Checked[]): string =>
  jsonLines([
    ...foundIn(checked).map(({ level, kind, file, line, column, what }) => ({
      level,
      ...(kind === undefined ? {} : { kind }),
      file,
      line,
      column,
      what,
    })),
    ...checked.map(({ path, found, sound }) => ({
      path,
      sound: sound !== undefined,
      ...(sound === undefined ? {} : { hash: sound.hash }),
      faults: countOf(found, 'fault'),
      warnings: countOf(found, 'warning'),
      notes: countOf(found, 'note'),
    })),
  ])

/** What several environments share is said once. */
const foundIn = (checked: readonly Checked[]): Found[] => {
  const all = checked.flatMap(({ found }) => found)
  return [
    ...new Map(all.map((one) => [JSON.stringify([one.file, one.line, one.column, one.what]), one])).values(),
  ]
}
