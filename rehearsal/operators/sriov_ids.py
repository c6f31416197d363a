# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which network cards the SR-IOV operator knows, and the device id of their virtual functions (pure data).

Source: k8snetworkplumbingwg/sriov-network-operator v1.6.0 deploy/configmap.yaml (`supported-nic-ids`), the same on OpenShift's branches
4.19 to 4.21 (hardware.md §0.10). Broadcom's Thor2 (14e4:1760) and AMD's Pollara (1dd8:1002) are not in it.
"""

from __future__ import annotations

MELLANOX, INTEL = "15b3", "8086"
# name in the ConfigMap -> "vendor physical-function virtual-function"
SUPPORTED = {
    "Intel_i40e_XXV710": "8086 158a 154c",
    "Intel_i40e_25G_SFP28": "8086 158b 154c",
    "Intel_i40e_10G_X710_SFP": "8086 1572 154c",
    "Intel_ixgbe_10G_X550": "8086 1563 1565",
    "Intel_i40e_40G_XL710_QSFP": "8086 1583 154c",
    "Intel_ice_Columbiaville_E810-CQDA2_2CQDA2": "8086 1592 1889",
    "Intel_ice_Columbiaville_E810-XXVDA4": "8086 1593 1889",
    "Intel_ice_Columbiaville_E810-XXVDA2": "8086 159b 1889",
    "Intel_ice_Columbiaville_E810": "8086 1591 1889",
    "Nvidia_mlx5_ConnectX-4": "15b3 1013 1014",
    "Nvidia_mlx5_ConnectX-4LX": "15b3 1015 1016",
    "Nvidia_mlx5_ConnectX-5": "15b3 1017 1018",
    "Nvidia_mlx5_ConnectX-5_Ex": "15b3 1019 101a",
    "Nvidia_mlx5_ConnectX-6": "15b3 101b 101c",
    "Nvidia_mlx5_ConnectX-6_Dx": "15b3 101d 101e",
    "Nvidia_mlx5_ConnectX-6_Lx": "15b3 101f 101e",
    "Nvidia_mlx5_ConnectX-7": "15b3 1021 101e",
    "Nvidia_mlx5_ConnectX-8": "15b3 1023 101e",
    "Nvidia_mlx5_MT42822_BlueField-2_integrated_ConnectX-6_Dx": "15b3 a2d6 101e",
    "Nvidia_mlx5_MT43244_BlueField-3_integrated_ConnectX-7_Dx": "15b3 a2dc 101e",
    "Broadcom_bnxt_BCM57414_2x25G": "14e4 16d7 16dc",
    "Broadcom_bnxt_BCM75508_2x100G": "14e4 1750 1806",
    "Qlogic_qede_QL45000_50G": "1077 1654 1664",
    "Red_Hat_Virtio_network_device": "1af4 1000 1000",
}
ROWS = [tuple(row.split()) for row in SUPPORTED.values()]


def known_vendor(vendor: str) -> bool:
    """True when a card of this vendor is supported."""
    return any(row[0] == vendor for row in ROWS)


def known_device(device: str) -> bool:
    """True when a physical function with this device id is supported, whoever makes it."""
    return any(row[1] == device for row in ROWS)


def known_model(vendor: str, device: str) -> bool:
    """True when exactly this card is supported."""
    return any(row[:2] == (vendor, device) for row in ROWS)


def vf_device(device: str) -> str:
    """Device id of the virtual functions of a card, "" for an unknown one."""
    return next((row[2] for row in ROWS if row[1] == device), "")
