/**
 * What is open under one grant; each exchange is in one of these at most, and knows its place there.
 *
 * Not a `Set`: V8 makes a new table for one every few dozen additions, and each table it gave up leads to the next one. Once
 * one of them is old, the collector of young objects keeps everything that was ever open since, until the next full
 * collection, and copies it twice: a tenth of the CPU of a busy proxy, and stalls of tens of milliseconds.
 */
export class OpenExchanges<One extends { place: number }> {
  readonly #all: One[] = []

  get size(): number {
    return this.#all.length
  }

  add(exchange: One): void {
    if (this.#all[exchange.place] !== exchange) exchange.place = this.#all.push(exchange) - 1
  }

  delete(exchange: One): void {
    const { place } = exchange
    if (this.#all[place] !== exchange) return
    exchange.place = -1
    const last = this.#all.pop()
    if (last === undefined || last === exchange) return
    this.#all[place] = last
    last.place = place
  }

  /** Those that are open now, whatever leaves or comes meanwhile. */
  [Symbol.iterator](): Iterator<One> {
    return [...this.#all][Symbol.iterator]()
  }
}
