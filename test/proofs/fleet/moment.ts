/** When something was: by the wall, and by the monotonic clock that all processes of a machine share. Milliseconds. */
export type Moment = { readonly wall: number; readonly mono: number }

export const momentNow = (): Moment => ({
  wall: Date.now(),
  mono: Number(process.hrtime.bigint()) / 1_000_000,
})
