import { allOf, few } from '../words.ts'

/** A place in a sentence for those it turns out to be about, or for a word that agrees with how many they are. */
type Of = 'who' | 'tiers' | 'services'
type Slot = { readonly of: Of; readonly one?: string; readonly many?: string }

/** A sentence that is not yet said of anybody. Sentences with the same words are folded into one. */
export type Words = readonly (string | Slot)[]

export type About = {
  /** Sets of people; two names are somebody in both. */
  readonly who: readonly (readonly string[])[]
  readonly tiers: readonly string[]
  readonly services: readonly string[]
}

export const who: Slot = { of: 'who' }
export const tiers: Slot = { of: 'tiers' }
export const services: Slot = { of: 'services' }

/** `gains` of one, `gain` of several. */
export const agrees = (of: Of, one: string, many: string): Slot => ({ of, one, many })

export const words = (texts: TemplateStringsArray, ...between: readonly (string | Slot | Words)[]): Words =>
  texts.flatMap((text, index) => {
    const next = between[index]
    const more: Words = next === undefined ? [] : Array.isArray(next) ? next : [next as string | Slot]
    return text === '' ? more : [text, ...more]
  })

export const say = (sentence: Words, about: About): string =>
  sentence
    .map((part) => {
      if (typeof part === 'string') return part
      if (part.one !== undefined) return about[part.of].length === 1 ? part.one : part.many
      return part.of === 'who'
        ? peopleText(about.who)
        : part.of === 'tiers'
          ? allOf(about.tiers)
          : servicesText(about.services)
    })
    .join('')

/** As many names as one likes to read. */
export const servicesText = (names: readonly string[]): string =>
  names.length <= 3 ? allOf(names) : `${names.length} services (${few(names)})`

const peopleText = (people: readonly (readonly string[])[]): string => {
  const single = people.filter(({ length }) => length === 1).flat()
  const pairs = people.filter(({ length }) => length > 1).map((names) => names.join(' and '))
  const both =
    pairs.length <= 3
      ? `somebody in both ${pairs.join(', or in both ')}`
      : `somebody in both ${pairs.slice(0, 2).join(', or in both ')}, or in one of ${pairs.length - 2} more pairs`
  const alone = single.length <= 3 ? allOf(single) : `${single.length} sets of people (${few(single)})`
  return [...(single.length === 0 ? [] : [alone]), ...(pairs.length === 0 ? [] : [both])].join(', and ')
}
