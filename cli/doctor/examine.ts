import { isFault } from '#access/domain/errors.ts'

export type State = 'ok' | 'warn' | 'fail'
export type Finding = {
  readonly state: State
  readonly what: string
  /** What a person can do about it. */
  readonly mend?: string
}
export type Line = Finding & { readonly check: string }

/** What a check found, and what it made for those that need it. */
export type Examined<T> = { readonly findings: readonly Finding[]; readonly value: T }

export const ok = (what: string): Finding => ({ state: 'ok', what })
export const warn = (what: string, mend?: string): Finding => finding('warn', what, mend)
export const fail = (what: string, mend?: string): Finding => finding('fail', what, mend)
const finding = (state: State, what: string, mend?: string): Finding => ({
  state,
  what,
  ...(mend === undefined ? {} : { mend }),
})

/** A check that could not be made; why is told by another. */
export class Unmade extends Error {}

const usualWithinMs = 3_000

/**
 * Makes a check once what it needs is there. It stops no other: what it throws, or does not do in time, becomes its
 * finding, and those that need its value say that they could not be made.
 */
export const examine = <N extends readonly unknown[], T>(
  check: string,
  needs: readonly [...{ [K in keyof N]: Promise<N[K]> }],
  look: (...needed: N) => Promise<Examined<T>>,
  withinMs = usualWithinMs,
): { readonly lines: Promise<Line[]>; readonly value: Promise<T> } => {
  const looking = Promise.all(needs)
    // Promise.all of a generic tuple loses which is which.
    .then((needed) => within(withinMs, look(...(needed as unknown as N)), () => tooLate(withinMs)))
  const value = looking.then(
    ({ value }) => value,
    () => {
      throw new Unmade(`mend ${check} first`)
    },
  )
  value.catch(() => undefined)
  const lines = looking
    .then(
      ({ findings }) => findings,
      (error: unknown) => [findingOf(error)],
    )
    .then((findings) => findings.map((one) => ({ check, ...one })))
  return { lines, value }
}

const tooLate = (ms: number): Error => new Error(`no answer within ${ms / 1_000} s`)

const findingOf = (error: unknown): Finding => {
  if (error instanceof Unmade) return warn(`not checked: ${error.message}`)
  if (isFault(error)) return fail(error.message, error.mend)
  return fail(error instanceof Error ? error.message : String(error))
}

/** What is not done in time fails as `late` says; it goes on unheard. */
export const within = async <T>(ms: number, doing: Promise<T>, late: () => Error): Promise<T> => {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(late()), ms)
  try {
    return await Promise.race([doing, promise])
  } finally {
    clearTimeout(timer)
  }
}
