/**
 * What is open now: each member is in one of these at most, and knows its place there.
 *
 * Not a `Set`: V8 makes a new table for one every few dozen additions, and each table it gave up leads to the next one. Once
 * one of them is old, the collector of young objects keeps everything that was ever open since, until the next full
 * collection, and copies it twice: a tenth of the CPU of a busy proxy, and stalls of tens of milliseconds.
 */
export class OpenSet<One extends { place: number }> {
  readonly #all: One[] = []

  get size(): number {
    return this.#all.length
  }

  add(one: One): void {
    if (this.#all[one.place] !== one) one.place = this.#all.push(one) - 1
  }

  delete(one: One): void {
    const { place } = one
    if (this.#all[place] !== one) return
    one.place = -1
    const last = this.#all.pop()
    if (last === undefined || last === one) return
    this.#all[place] = last
    last.place = place
  }

  /** Those that are open now, whatever leaves or comes meanwhile. */
  [Symbol.iterator](): Iterator<One> {
    return [...this.#all][Symbol.iterator]()
  }
}
