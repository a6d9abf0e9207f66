// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// A token that is only as large as the subscription tests need: transfers with their event, and reverts of each kind.
contract Token {
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    error NotEnough(uint256 have, uint256 want);

    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    constructor(uint256 supply) {
        balanceOf[msg.sender] = supply;
        emit Transfer(address(0), msg.sender, supply);
    }

    function transfer(address to, uint256 value) external returns (bool) {
        require(to != address(0), "Token: to nobody");
        if (balanceOf[msg.sender] < value) revert NotEnough(balanceOf[msg.sender], value);
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
        emit Transfer(msg.sender, to, value);
        return true;
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    /// Many events in one transaction.
    function scatter(address[] calldata to, uint256 each) external {
        for (uint256 i = 0; i < to.length; i++) {
            balanceOf[msg.sender] -= each;
            balanceOf[to[i]] += each;
            emit Transfer(msg.sender, to[i], each);
        }
    }
}
