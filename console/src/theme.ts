// Light, dark, or as the system says; the choice is kept in this browser.
import { useState } from 'preact/hooks';

export type Theme = 'system' | 'light' | 'dark';
const NAME = 'xshathra.theme';

const stored = (): Theme => {
  const value = localStorage.getItem(NAME);
  return value === 'light' || value === 'dark' ? value : 'system';
};

export function applyTheme(theme: Theme = stored()): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState<Theme>(stored);
  const next = (): void => {
    const order: Theme[] = ['system', 'light', 'dark'];
    const chosen = order[(order.indexOf(theme) + 1) % order.length] ?? 'system';
    if (chosen === 'system') localStorage.removeItem(NAME);
    else localStorage.setItem(NAME, chosen);
    applyTheme(chosen);
    setTheme(chosen);
    window.dispatchEvent(new Event('xshathra-theme'));
  };
  return [theme, next];
}
