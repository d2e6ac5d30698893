// A small line of the last minutes, by uPlot; its colours are those of the theme.
import uPlot from 'uplot';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

export interface Series {
  times: number[];
  values: number[];
}

const HEIGHT = 44;

export function Spark({ series, label }: { series: Series; label: string }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef(series);
  latest.current = series;

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const draw = (): void => {
      plot.current?.destroy();
      const accent = getComputedStyle(element).color;
      plot.current = new uPlot(
        {
          width: Math.max(40, element.clientWidth),
          height: HEIGHT,
          cursor: { show: false },
          legend: { show: false },
          select: { show: false, left: 0, top: 0, width: 0, height: 0 },
          axes: [{ show: false }, { show: false }],
          scales: { y: { range: (_, low, high) => [Math.min(0, low), Math.max(1, high * 1.1)] } },
          padding: [4, 0, 2, 0],
          series: [{}, { stroke: accent, width: 1.6, fill: accent.replace(/^rgb\((.*)\)$/, 'rgba($1, 0.12)'), points: { show: false } }],
        },
        [latest.current.times, latest.current.values],
        element,
      );
    };
    draw();
    const watch = new ResizeObserver(() => plot.current?.setSize({ width: Math.max(40, element.clientWidth), height: HEIGHT }));
    watch.observe(element);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', draw);
    window.addEventListener('xshathra-theme', draw);
    return () => {
      watch.disconnect();
      dark.removeEventListener('change', draw);
      window.removeEventListener('xshathra-theme', draw);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, []);
  useEffect(() => plot.current?.setData([series.times, series.values]), [series]);

  return <div ref={box} class="spark spark-line" role="img" aria-label={`${label}, the last minutes`} />;
}
